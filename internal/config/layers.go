package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"shoal/internal/upstream"
)

// Env is the environment of the command: everything that is not on the command line.
type Env struct {
	Environ  []string       // as os.Environ returns it
	Dir      string         // where shoal.yaml is looked for; empty: the working directory
	Terminal bool           // a person watches: stderr is a terminal
	Version  string         // of this program
	Kinds    upstream.Table // the kinds of upstream
}

// layers holds every value that was given, by layer, and decides which one counts.
type layers struct {
	set      Set
	kinds    upstream.Table
	flags    map[string]*flagValue
	environ  map[string]string
	file     *file
	found    string // the file, where it was not named but found in the working directory
	profile  Profile
	terminal bool
	version  string
	warnings []string
	viper    *viper.Viper
}

// explicit looks like a flag to viper: the flag, and behind it the environment, which viper itself
// would read from the process.
type explicit struct {
	setting Setting
	layers  *layers
}

func (s explicit) Name() string      { return s.setting.Name }
func (s explicit) ValueType() string { return "string" }

func (s explicit) HasChanged() bool {
	_, ok := s.layers.env(s.setting)
	return ok || s.layers.flags[s.setting.Name].isSet()
}

func (s explicit) ValueString() string {
	if f := s.layers.flags[s.setting.Name]; f.isSet() {
		return f.String()
	}
	name, _ := s.layers.env(s.setting)
	return s.layers.environ[name]
}

// env finds the variable of a setting. An empty variable counts as unset.
func (l *layers) env(s Setting) (name string, ok bool) {
	names := []string{s.Env()}
	switch s.Name {
	case "redis":
		names = append(names, "REDIS_URL")
	case "store":
		names = append(names, "DATABASE_URL")
	}
	if s.In == inProfile {
		return "", false
	}
	for _, name := range names {
		if l.environ[name] != "" {
			return name, true
		}
	}
	return "", false
}

func newLayers(env Env, set Set, flags map[string]*flagValue) (*layers, error) {
	l := &layers{set: set, kinds: env.Kinds, flags: flags, terminal: env.Terminal, version: env.Version, environ: map[string]string{}}
	for _, pair := range env.Environ {
		name, value, _ := strings.Cut(pair, "=")
		l.environ[name] = strings.TrimRight(value, "\r\n") // a Secret made from a file ends in one
	}
	l.warnUnknownEnv()
	for _, s := range Settings() {
		if f := flags[s.Name]; s.Secret && f.isSet() && holdsSecret(f.String()) && !(s.Name == "store" && mistypedStore(f.String())) {
			return nil, Usagef("--%s holds a password, which every user of this machine can read in the list of processes: put it into the environment variable %s, or into the file as %s:",
				s.Name, s.Env(), s.Name)
		}
	}
	var err error
	if l.file, err = l.findFile(env.Dir); err != nil {
		return nil, err
	}
	if l.profile, err = l.firstProfile(); err != nil {
		return nil, err
	}
	l.build()
	return l, nil
}

// build fills a viper of our own: flags and environment, then the file, then the profile over the
// defaults.
func (l *layers) build() {
	l.viper = viper.NewWithOptions(viper.KeyDelimiter("\x00"))
	fromFile := map[string]any{}
	for _, s := range Settings() {
		l.viper.SetDefault(s.Name, s.Default)
		if text, _, ok := l.fromProfile(s.Name); ok {
			l.viper.SetDefault(s.Name, text)
		}
		if v, ok := l.file.values[s.Name]; ok {
			fromFile[s.Name] = v.text
		}
		// The only error is for a nil value.
		_ = l.viper.BindFlagValue(s.Name, explicit{setting: s, layers: l})
	}
	// The only error is for a file that cannot be decoded; this is a map.
	_ = l.viper.MergeConfigMap(fromFile)
}

// text returns the value that counts, as it was typed; lists are joined by commas.
func (l *layers) text(name string) string { return l.viper.GetString(name) }

// takes reports whether the command knows the setting.
func (l *layers) takes(s Setting) bool {
	return s.In&l.set != 0 || (s.In == inProfile && l.set&inHarvest != 0)
}

func (l *layers) source(name string) Source {
	s, _ := find(name)
	if l.flags[name].isSet() {
		return Source{Kind: FromFlag}
	}
	if variable, ok := l.env(s); ok {
		return Source{Kind: FromEnv, Name: variable}
	}
	if v, ok := l.file.values[name]; ok {
		return Source{Kind: FromFile, Name: l.file.name, Line: v.line}
	}
	if _, profile, ok := l.fromProfile(name); ok {
		return Source{Kind: FromProfile, Name: profile}
	}
	return Source{Kind: FromDefault}
}

// fromProfile returns the value of the profile, or else of the generic one.
func (l *layers) fromProfile(name string) (text, profile string, ok bool) {
	for _, p := range []Profile{l.profile, builtin("generic")} {
		if text, ok := p.values[name]; ok {
			return text, p.Name, true
		}
	}
	return "", "", false
}

func (l *layers) warnUnknownEnv() {
	var known []string
	for _, s := range Settings() {
		if s.In != inProfile {
			known = append(known, s.Env())
		}
	}
	for name := range l.environ {
		if strings.HasPrefix(name, envPrefix) && !slices.Contains(known, name) {
			l.warnings = append(l.warnings, fmt.Sprintf("environment variable %s is not known and has no effect%s", quoteName(name), suggest(name, known)))
		}
	}
	slices.Sort(l.warnings)
}

func find(name string) (Setting, bool) {
	for _, s := range Settings() {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}
