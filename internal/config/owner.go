package config

import "os"

// FoundFile returns the configuration file that was not named but found in the working directory;
// empty for none. The operator should see its name, because it decides where a credential goes.
func (w Worker) FoundFile() string { return w.layers.found }

// FoundFile returns the configuration file that was not named but found in the working directory;
// empty for none.
func (c Coordinator) FoundFile() string { return c.layers.found }

// checkOwner refuses a file found in the working directory that another user could have put there.
func checkOwner(full, name string) error {
	for _, look := range []func(string) (os.FileInfo, error){os.Lstat, os.Stat} {
		info, err := look(full)
		if err != nil {
			return Usagef("%s: it cannot be read: %v", name, err)
		}
		owner, known := ownerOf(info)
		if why := stranger(owner, os.Geteuid(), known, info.Mode()); why != "" {
			return Usagef("%s in this folder %s, so that its settings may be a stranger's: name it with --config ./%s if they are meant, or start elsewhere", name, why, name)
		}
	}
	return nil
}

// stranger explains why a file cannot be trusted. Root's can: root can do anything anyway.
func stranger(owner, self int, known bool, mode os.FileMode) string {
	switch {
	case known && owner != self && owner != 0:
		return "belongs to another user"
	case known && mode.Type() != os.ModeSymlink && mode.Perm()&0o002 != 0:
		return "may be written by every user"
	}
	return ""
}
