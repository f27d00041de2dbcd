package status

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// minToken is the shortest token that cannot be found by trying.
const minToken = 16

// ReadToken reads the token of a file; empty for no file.
func ReadToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("the token's file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if len(token) < minToken || strings.ContainsAny(token, "\r\n") {
		return "", errors.New("the file must hold one line of 16 characters or more: openssl rand -hex 16 > FILE")
	}
	return token, nil
}
