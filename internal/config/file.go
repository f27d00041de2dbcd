package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileName is looked for in the working directory.
const fileName = "shoal.yaml"

// value is one flat key of the file.
type value struct {
	text string
	line int
}

// file is a configuration file, checked and taken apart.
type file struct {
	name     string
	values   map[string]value
	headers  []Header
	auth     Auth
	profiles map[string]Profile
	sections []section
}

// section is a part that --print-config repeats as it is.
type section struct {
	key  string
	node *yaml.Node
}

// sectionKeys are the keys whose value is more than one text.
var sectionKeys = []string{"headers", "auth", "profiles"}

func (l *layers) findFile(dir string) (*file, error) {
	path, must := fileName, false
	config, _ := find("config")
	if f := l.flags["config"]; f.isSet() {
		path, must = f.String(), true
	} else if name, ok := l.env(config); ok {
		path, must = l.environ[name], true
	}
	full := path
	if !filepath.IsAbs(path) {
		full = filepath.Join(dir, path)
	}
	text, err := os.ReadFile(full)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !must:
		return &file{}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, Usagef("--config %s: there is no such file", path)
	case err != nil:
		return nil, Usagef("--config %s: it cannot be read: %v", path, errors.Unwrap(err))
	}
	if !must {
		if err := checkOwner(full, path); err != nil {
			return nil, err
		}
		if l.found, err = filepath.Abs(full); err != nil {
			l.found = full
		}
	}
	return parseFile(path, text, credentials(l.kinds))
}

// parser reports what is wrong with a file, and where.
type parser struct {
	name        string
	credentials []string // kinds of them
}

func (p parser) errorf(node *yaml.Node, format string, args ...any) error {
	return Usagef("%s:%d: %s", p.name, node.Line, fmt.Sprintf(format, args...))
}

func parseFile(name string, text []byte, credentials []string) (*file, error) {
	p := parser{name: name, credentials: credentials}
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, Usagef("%s is not YAML: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, Usagef("%s: there is a second document after ---; keep one", name)
	}
	f := &file{name: name, values: map[string]value{}, profiles: map[string]Profile{}}
	if len(doc.Content) == 0 {
		return f, nil
	}
	return f, p.mapping(doc.Content[0], "the file", func(key, node *yaml.Node) error {
		if slices.Contains(sectionKeys, key.Value) {
			f.sections = append(f.sections, section{key: key.Value, node: node})
			return p.section(f, key.Value, node)
		}
		return p.flat(key, node, false, f.values)
	})
}

// mapping calls each for every key of a YAML map, and refuses a repeated key.
func (p parser) mapping(node *yaml.Node, what string, each func(key, node *yaml.Node) error) error {
	if node.Kind != yaml.MappingNode {
		return p.errorf(node, "%s is a list of `key: value` lines", what)
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if line, twice := seen[key.Value]; twice {
			return p.errorf(key, "%s stands here a second time; the first is on line %d", quoteName(key.Value), line)
		}
		seen[key.Value] = key.Line
		if err := each(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (p parser) section(f *file, key string, node *yaml.Node) (err error) {
	switch key {
	case "headers":
		f.headers, err = p.headers(node)
	case "auth":
		f.auth, err = p.auth(node)
	default:
		err = p.mapping(node, "profiles:", func(key, node *yaml.Node) error {
			profile, err := p.profile(key, node)
			f.profiles[profile.Name] = profile
			return err
		})
	}
	return err
}

func (p parser) profile(key, node *yaml.Node) (Profile, error) {
	profile := Profile{Name: key.Value, values: map[string]string{}}
	if slices.ContainsFunc(builtinProfiles(), func(b Profile) bool { return b.Name == key.Value }) || key.Value == autoText {
		return profile, p.errorf(key, "profile %s is built in; give yours another name", key.Value)
	}
	values := map[string]value{}
	err := p.mapping(node, "a profile", func(key, node *yaml.Node) (err error) {
		switch key.Value {
		case "headers":
			profile.Headers, err = p.headers(node)
		case "auth":
			profile.Auth, err = p.auth(node)
		default:
			err = p.flat(key, node, true, values)
		}
		return err
	})
	for name, v := range values {
		profile.values[name] = v.text
	}
	profile.AsOf = profile.values["as-of"]
	return profile, err
}

// flat reads one key of the table of settings.
func (p parser) flat(key, node *yaml.Node, inAProfile bool, values map[string]value) error {
	s, ok := find(key.Value)
	known := knownKeys(inAProfile)
	if !ok || !slices.Contains(known, s.Name) {
		if ok && s.Flag {
			return p.errorf(key, "%s is a flag, not a key of the file", s.Name)
		}
		return p.errorf(key, "key %s is not known%s", quoteName(key.Value), suggest(key.Value, known))
	}
	text, ok, err := p.text(node, s.Name, s.List)
	if inAProfile && s.hides(text) {
		return p.errorf(key, "%s holds a password, and a profile is printed as it stands: put it at the top of the file, or into the environment variable %s", s.Name, s.Env())
	}
	if ok {
		values[s.Name] = value{text: text, line: key.Line}
	}
	return err
}

func knownKeys(inAProfile bool) []string {
	var names []string
	for _, s := range Settings() {
		if s.Flag || (s.In == inProfile && !inAProfile) || (inAProfile && s.Name == "profile") {
			continue
		}
		names = append(names, s.Name)
	}
	return append(names, sectionKeys...)
}

// text returns a scalar as it is in the file, or a list joined by commas; not ok for an empty
// value.
func (p parser) text(node *yaml.Node, name string, list bool) (text string, ok bool, err error) {
	switch {
	case node.Kind == yaml.ScalarNode && (node.Tag == "!!null" || node.Value == ""):
		return "", false, nil
	case node.Kind == yaml.ScalarNode:
		return node.Value, true, nil
	case node.Kind == yaml.SequenceNode && list:
		var all []string
		for _, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false, p.errorf(item, "%s: is a list of plain texts", name)
			}
			all = append(all, item.Value)
		}
		return strings.Join(all, ","), len(all) > 0, nil
	default:
		return "", false, p.errorf(node, "%s: takes one value; put it into quotes if it starts with { or [", name)
	}
}

// fields reads a small map of texts.
func (p parser) fields(node *yaml.Node, what string, into map[string]*string) error {
	return p.mapping(node, what+":", func(key, node *yaml.Node) error {
		target, ok := into[key.Value]
		if !ok {
			known := make([]string, 0, len(into))
			for name := range into {
				known = append(known, name)
			}
			slices.Sort(known)
			if what == "auth" && secretWord.MatchString(key.Value) {
				return p.errorf(key, "%s: a secret does not belong in the file: name its environment variable with secret-env, or its file with secret-file", quoteName(key.Value))
			}
			return p.errorf(key, "%s: key %s is not known%s; known are %s", what, quoteName(key.Value), suggest(key.Value, known), strings.Join(known, ", "))
		}
		text, _, err := p.text(node, key.Value, what == "auth" && key.Value == "scopes")
		*target = text
		return err
	})
}
