// Hello is a command to build in a test.
package main

import "os"

func main() { _, _ = os.Stdout.WriteString("hello\n") }
