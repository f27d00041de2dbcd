package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// Env is the world around the command: all that is not on the command line.
type Env struct {
	Environ  []string // as os.Environ gives it
	Dir      string   // where shoal.yaml is looked for; empty: the working directory
	Terminal bool     // a person watches: stderr is a terminal
	Version  string   // of this program
}

// layers holds every value that was said, by layer, and decides which one counts.
type layers struct {
	set      Set
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

// spoken is what viper takes for a flag: the flag, and behind it the
// environment, which viper itself would read from the process.
type spoken struct {
	setting Setting
	layers  *layers
}

func (s spoken) Name() string      { return s.setting.Name }
func (s spoken) ValueType() string { return "string" }

func (s spoken) HasChanged() bool {
	_, ok := s.layers.env(s.setting)
	return ok || s.layers.flags[s.setting.Name].said()
}

func (s spoken) ValueString() string {
	if f := s.layers.flags[s.setting.Name]; f.said() {
		return f.String()
	}
	name, _ := s.layers.env(s.setting)
	return s.layers.environ[name]
}

// env finds the variable that speaks for a setting. An empty variable says nothing.
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
	l := &layers{set: set, flags: flags, terminal: env.Terminal, version: env.Version, environ: map[string]string{}}
	for _, pair := range env.Environ {
		name, value, _ := strings.Cut(pair, "=")
		l.environ[name] = strings.TrimRight(value, "\r\n") // a Secret that was made from a file ends in one
	}
	l.warnUnknownEnv()
	for _, s := range Settings() {
		if f := flags[s.Name]; s.Secret && f.said() && holdsSecret(f.String()) {
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

// build fills a viper of our own: flags and environment, then the file, then the profile over the defaults.
func (l *layers) build() {
	l.viper = viper.NewWithOptions(viper.KeyDelimiter("\x00"))
	said := map[string]any{}
	for _, s := range Settings() {
		l.viper.SetDefault(s.Name, s.Default)
		if text, _, ok := l.fromProfile(s.Name); ok {
			l.viper.SetDefault(s.Name, text)
		}
		if v, ok := l.file.values[s.Name]; ok {
			said[s.Name] = v.text
		}
		// The only error is for a nil value.
		_ = l.viper.BindFlagValue(s.Name, spoken{setting: s, layers: l})
	}
	// The only error is for a file that cannot be decoded; this is a map.
	_ = l.viper.MergeConfigMap(said)
}

// text is the value that counts, as it was typed; lists are joined by commas.
func (l *layers) text(name string) string { return l.viper.GetString(name) }

// takes reports whether the command knows the setting.
func (l *layers) takes(s Setting) bool {
	return s.In&l.set != 0 || (s.In == inProfile && l.set&inHarvest != 0)
}

func (l *layers) source(name string) Source {
	s, _ := find(name)
	if l.flags[name].said() {
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

// fromProfile is what the profile says, and behind it the generic one.
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
