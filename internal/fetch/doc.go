// Package fetch makes single HTTP exchanges with one upstream over connections that it owns.
//
// In goes a [harvest.Request]; out comes a [harvest.Answer] whose body sits in pooled memory until
// Release, or a [*harvest.Failure] that names the class of the fault. An exchange is made in two
// steps: [Client.Reserve] waits for everything that can be waited for (a place, memory, a warm
// connection, a credential), and [Slot.Send] then sends the request without waiting, so that a
// permit can be drawn between the two.
//
// The package never retries, never follows a redirect, never sleeps off a refusal and never lets a
// library send a request a second time: the upstream counts exactly the calls of Send.
package fetch
