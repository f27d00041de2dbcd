package pace

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// A user without enough permissions is refused, and the error names the missing one; so is a user
// without our channels.
func TestCheckRedisNamesMissingRights(t *testing.T) {
	t.Parallel()
	_, admin := server(t)
	for name, row := range map[string]struct{ rules, want string }{
		"all that is needed":  {"+@all -@dangerous +info ~shoal:* &shoal:*", ""},
		"no channel":          {"+@all -@dangerous +info ~shoal:* resetchannels", "&shoal:*"},
		"another channel":     {"+@all -@dangerous +info ~shoal:* resetchannels &other:*", "&shoal:*"},
		"no publish":          {"+@all -@dangerous +info -publish ~shoal:* &shoal:*", "pubsub"},
		"no subscribe":        {"+@all -@dangerous +info -subscribe ~shoal:* &shoal:*", "pubsub"},
		"no key":              {"+@all -@dangerous +info ~other:* &shoal:*", "shoal:*"},
		"no sorted sets":      {"+@all -@dangerous +info -zadd ~shoal:* &shoal:*", "sortedset"},
		"nothing but a login": {"-@all", "allow"},
	} {
		user := "u" + strings.ReplaceAll(name, " ", "_")
		args := []any{"ACL", "SETUSER", user, "reset", "on", ">pw"}
		for _, rule := range strings.Fields(row.rules) {
			args = append(args, rule)
		}
		if err := admin.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
		options := *admin.Options()
		options.Username, options.Password = user, "pw"
		client := NewClient(&options)
		err := CheckRedis(t.Context(), client, host)
		_ = client.Close()
		if row.want == "" && err != nil || row.want != "" && (!errors.Is(err, ErrUnsafeRedis) || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: CheckRedis = %v, want ErrUnsafeRedis with %q", name, err, row.want)
		}
	}
}

// An unknown answer is not an outage; one that passes by itself is.
func TestCheckRedisUnknownAnswer(t *testing.T) {
	t.Parallel()
	for reply, unsafe := range map[string]bool{
		"-WHATEVER no": true, "-ERR operation not permitted": true, "HTTP/1.1 400 Bad Request": true, "-LOADING Redis is loading": false, "-MASTERDOWN Link is down": false, "-ERR max number of clients reached": false,
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					in := bufio.NewReader(conn)
					for {
						if _, err := in.ReadString('\n'); err != nil {
							return
						}
						fmt.Fprintf(conn, "%s\r\n", reply)
					}
				}()
			}
		}()
		options, err := ClientOptions("redis://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		client := NewClient(options)
		if err := CheckRedis(t.Context(), client); err == nil || errors.Is(err, ErrUnsafeRedis) != unsafe {
			t.Errorf("CheckRedis of a server that says %q = %v, want unsafe: %t", reply, err, unsafe)
		}
		_ = client.Close()
	}
}
