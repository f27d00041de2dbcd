package config

import (
	"context"

	"github.com/spf13/cobra"
)

// Inspection is settings that may be wrong.
type Inspection struct {
	Worker   Worker
	Complete bool  // each setting of Worker could be read; else it holds nothing to rely on
	Invalid  error // why a worker would refuse them; nil if it would not
	JSON     bool
}

// File returns the configuration file that was read; empty for none.
func (i Inspection) File() string {
	if i.Worker.layers == nil || i.Worker.layers.file == nil {
		return ""
	}
	return i.Worker.layers.file.name
}

// inspect calls run with the settings, whatever is wrong with them. broken is why there are no
// layers.
func inspect(cmd *cobra.Command, l *layers, broken error, json *flagValue, run func(context.Context, Inspection) error) error {
	i := Inspection{Invalid: broken, JSON: json.isSet() && json.text == "true"}
	if broken == nil {
		var err error
		if i.Worker, err = readWorker(l); err == nil {
			i.Complete, err = true, i.Worker.check()
		}
		i.Invalid = err
		if printing, printErr := l.maybePrint(cmd.OutOrStdout()); printing {
			return firstError(err, printErr)
		}
		i.JSON = i.JSON || i.Worker.JSON
	}
	return run(cmd.Context(), i)
}
