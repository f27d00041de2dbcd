package config

import "shoal/internal/harvest"

// ErrUsage is [harvest.ErrUsage].
var ErrUsage = harvest.ErrUsage

// Usagef is [harvest.Usagef].
func Usagef(format string, args ...any) error { return harvest.Usagef(format, args...) }
