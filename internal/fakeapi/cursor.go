package fakeapi

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"time"
)

var errCursor = errors.New("invalid cursor")

// cursor is a place in a listing.
type cursor struct {
	offset int
	// made is when it was issued; zero if cursors last for ever.
	made time.Time
}

// text returns what a client gets: base64 of a checksum, the offset and the time. The filters of q
// are in the sum, since a place in one listing is not a place in another. Its alphabet is the one
// with + and /, which a client must escape.
func (c cursor) text(q url.Values) string {
	var made int64
	if !c.made.IsZero() {
		made = c.made.UnixNano()
	}
	place := fmt.Sprintf("%d.%d", c.offset, made)
	return base64.StdEncoding.EncodeToString(append(sum(place, q), place...))
}

// readCursor returns the inverse of text; its error is errCursor.
func readCursor(text string, q url.Values) (cursor, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < crc32.Size {
		return cursor{}, errCursor
	}
	place := string(raw[crc32.Size:])
	if string(sum(place, q)) != string(raw[:crc32.Size]) {
		return cursor{}, errCursor
	}
	var c cursor
	var made int64
	if _, err := fmt.Sscanf(place, "%d.%d", &c.offset, &made); err != nil {
		return cursor{}, errCursor
	}
	if made != 0 {
		c.made = time.Unix(0, made)
	}
	return c, nil
}

func sum(place string, q url.Values) []byte {
	filtered := place + "?since=" + q.Get("since") + "&day=" + q.Get("day")
	return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(filtered)))
}
