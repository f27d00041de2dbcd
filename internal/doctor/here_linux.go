package doctor

import (
	"golang.org/x/sys/unix"
)

// Here is this machine.
type Here struct{}

// networks are the file systems that other machines serve, by the magic numbers of statfs(2).
var networks = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "CIFS", unix.CEPH_SUPER_MAGIC: "CephFS",
	unix.AFS_SUPER_MAGIC: "AFS", unix.CODA_SUPER_MAGIC: "Coda", unix.V9FS_MAGIC: "9p", unix.OCFS2_SUPER_MAGIC: "OCFS2", 0x0bd00bd0: "Lustre", 0x47504653: "GPFS",
}

// Files implements [Machine].
func (Here) Files() (limit uint64, known bool) {
	var l unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l)
	return l.Cur, err == nil
}

// Disk implements [Machine].
func (Here) Disk(folder string) (d Disk, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return d, false
	}
	d.Free, d.Network = s.Bavail*uint64(s.Bsize), networks[int64(uint32(s.Type))]
	d.Denied = unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	return d, true
}
