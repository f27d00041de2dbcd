// Package config turns what an operator types into plain structs.
//
// In go command-line flags, environment variables, shoal.yaml and the profiles; out come a [Worker]
// or a [Coordinator] whose every value has been checked, together with where each value came from.
// A flag wins over the environment, that over the file, that over the profile, that over the
// default.
//
// One table (see settings.go) is the only source of the flags, their environment twins, the file's
// keys, --help, --print-config and the table of settings in the docs.
//
// The package never opens a connection, prints a secret or reads process-wide state: environment,
// folder and terminal come in with [Env].
package config
