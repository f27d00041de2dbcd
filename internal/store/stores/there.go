package stores

import (
	"os"

	"shoal/internal/store/kinds"
)

// MayExist reports whether the store at an address may hold runs already, without opening it: a
// file that is not there holds none.
func MayExist(address string) bool {
	file, ok := kinds.Path(address)
	if !ok {
		return true
	}
	_, err := os.Stat(file)
	return err == nil
}
