package config

import (
	"fmt"
	"path/filepath"
)

// Kind is the layer that a value came from.
type Kind string

// The layers, strongest first.
const (
	FromFlag    Kind = "flag"
	FromEnv     Kind = "env"
	FromFile    Kind = "file"
	FromProfile Kind = "profile"
	FromDefault Kind = "default"
)

// Source is where a value came from.
type Source struct {
	Kind Kind
	Name string // of the variable, the file or the profile
	Line int    // in the file
}

// Given reports whether the operator set this value, rather than a profile or a default.
func (s Source) Given() bool { return s.Kind == FromFlag || s.Kind == FromEnv || s.Kind == FromFile }

// String returns the source as --print-config shows it.
func (s Source) String() string {
	switch s.Kind {
	case FromEnv, FromProfile:
		return string(s.Kind) + " " + s.Name
	case FromFile:
		return fmt.Sprintf("file %s:%d", filepath.Base(s.Name), s.Line)
	default:
		return string(s.Kind)
	}
}

// subject names a setting as the operator wrote it, for the start of an error.
func (s Source) subject(setting string) string {
	switch s.Kind {
	case FromEnv:
		return s.Name
	case FromFile:
		return fmt.Sprintf("%s (%s:%d)", setting, s.Name, s.Line)
	case FromProfile:
		return fmt.Sprintf("%s of profile %s", setting, s.Name)
	default:
		return "--" + setting
	}
}
