package doctor

import "context"

// Unusable is the one row about a service that cannot be looked at, because its settings are wrong.
func Unusable(name, at, setting string, err error) Group {
	return Group{Name: name, At: at, Rows: []Row{{
		Name: name + ".settings", About: setting, Needs: []string{"settings.values"}, Change: "correct it; docs/settings.md describes each", Look: func(context.Context) Finding { return wrong(err) },
	}}}
}

// Absent is the one row about a service that cannot be looked at, because it is not known.
func Absent(name, about, why string) Group {
	return Group{Name: name, Rows: []Row{{Name: name + ".address", About: about, Look: func(context.Context) Finding { return unknown("%s", why) }}}}
}
