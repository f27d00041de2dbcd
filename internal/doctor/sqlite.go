package doctor

import (
	"context"
	"path/filepath"

	"github.com/dustin/go-humanize"
)

// SQLite asks the file of one machine's store. The errors are those that a worker would meet.
type SQLite struct {
	File   string // absolute
	Look   func(ctx context.Context) (SQLiteFile, error)
	Tables func(ctx context.Context) (found string, err error)
	Locked error // what a worker meets where it may not write
	Full   error // what it meets where the disk is full
}

// SQLiteFile is the file and the log beside it.
type SQLiteFile struct {
	Exists bool
	Bytes  int64
	Log    int64 // bytes of the write-ahead log
}

// longLog is a write-ahead log that some reader keeps from being taken into the file.
const longLog = 256 << 20

// InSQLite is the checks of a SQLite store.
func InSQLite(port SQLite, here Machine) Group {
	var file SQLiteFile
	folder := filepath.Dir(port.File)
	needs := []string{"sqlite.file"}
	return Group{Name: "sqlite", At: port.File, Rows: []Row{
		{Name: "sqlite.file", About: "file", Change: "correct the path in --store, or make its folder", Look: func(ctx context.Context) Finding {
			var err error
			if file, err = port.Look(ctx); err != nil {
				return wrong(err)
			}
			if !file.Exists {
				return fine("not there yet: the first worker makes it")
			}
			return fine("%s", humanize.IBytes(uint64(max(0, file.Bytes))))
		}},
		{Name: "sqlite.folder", About: "folder", Needs: needs, Change: "make the folder writable for this user, or name a file elsewhere in --store", Look: func(context.Context) Finding {
			disk, known := here.Disk(folder)
			switch {
			case !known:
				return unknown("the system does not report who may write to it")
			case disk.Denied != nil:
				return wrongly(port.Locked, "", "no file can be made in %s: %v", folder, disk.Denied)
			}
			return fine("this user may write to it")
		}},
		{Name: "sqlite.network", About: "file system", Needs: needs, Look: func(context.Context) Finding {
			disk, known := here.Disk(folder)
			switch {
			case !known:
				return unknown("the system does not report its kind")
			case disk.Network != "":
				return warn("name a file on a local disk in --store; for several machines use PostgreSQL",
					"%s is on a network file system (%s), whose locks SQLite cannot rely on", folder, disk.Network)
			}
			return fine("a local disk")
		}},
		{Name: "sqlite.disk", About: "disk", Needs: needs, Look: func(context.Context) Finding { return free(here, folder, port.Full) }},
		{Name: "sqlite.tables", About: "tables", Needs: needs, Change: "name another file in --store, or restore this one from a backup", Look: func(ctx context.Context) Finding {
			if !file.Exists {
				return unknown("the file is not there yet")
			}
			found, err := port.Tables(ctx)
			return orFine(err, "%s", found)
		}},
		{Name: "sqlite.log", About: "write-ahead log", Needs: needs, Look: func(context.Context) Finding {
			size := humanize.IBytes(uint64(max(0, file.Log)))
			if file.Log > longLog {
				return warn("end programs that read the file for hours, such as an open sqlite3 shell; the next write then shortens it", "%s: a reader keeps it from being taken into the file", size)
			}
			return fine("%s", size)
		}},
	}}
}
