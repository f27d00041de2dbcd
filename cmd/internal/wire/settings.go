package wire

import (
	"shoal/internal/config"
	"shoal/internal/fetch"
	"shoal/internal/memory"
	"shoal/internal/retry"
)

func retryPolicy(set config.Worker) retry.Policy {
	units := map[string]retry.Unit{"delta": retry.UnitDelta, "delta-ms": retry.UnitMilli, "epoch": retry.UnitEpoch, "epoch-ms": retry.UnitEpochMilli}
	return retry.Policy{
		Retries: set.Retries, MinPause: set.MinPause, ResetUnit: units[set.ResetUnit], Slow: set.SlowAnswer, SlowPause: set.SlowPause,
	}
}

// fetchConfig is for an upstream's host, which the corpus may have named.
func fetchConfig(set config.Worker, host, corpus string) fetch.Config {
	plan := memory.Share(1)
	c := fetch.Config{
		Budget: plan.Answers, Largest: max(plan.Largest, plan.Roomy(set.MaxBody)),
		UserAgent: set.Agent(), Timeout: set.Timeout, MaxBody: set.MaxBody, Streams: set.Concurrency, Raw: set.Body == "raw",
		TrustedHosts: set.TrustedHosts(host, corpus), Credential: set.CredentialHosts(host),
		CAFile: set.CA, CertFile: set.Cert, KeyFile: set.Key, Proxy: set.Proxy, AllowPrivate: set.AllowPrivate,
		Auth: fetch.Auth{
			Kind: authKind(set), Name: set.Auth.Name, User: set.Auth.User, SecretEnv: set.Auth.SecretEnv, SecretFile: set.Auth.SecretFile,
			TokenURL: set.Auth.TokenURL, ClientID: set.Auth.ClientID,
			ClientSecretEnv: set.Auth.ClientSecretEnv, ClientSecretFile: set.Auth.ClientSecretFile, Scopes: set.Auth.Scopes,
		},
	}
	for _, header := range set.Headers {
		c.Headers = append(c.Headers, fetch.Header(header))
	}
	return c
}

// authKind is what a kind of credential means on the wire.
func authKind(set config.Worker) string {
	if _, login := set.Kinds().ByAuth(set.Auth.Kind); login {
		return "session"
	}
	return set.Auth.Kind
}
