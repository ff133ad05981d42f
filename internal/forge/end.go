package forge

import "github.com/narrowcast-io/narrowcast"

// ends are genuine tokens in date that were called back.
func ends() []wrong {
	return []wrong{
		bad("revoked.token", "the token was revoked", narrowcast.Revoked, "RFC 7009 §2.2", claim("jti", quoted(revokedID)), Revocation),
		bad("task.ended", "the task of the token has ended", narrowcast.TaskEnded, "law 6", claim("task", quoted(endedTask)), TaskEnd).strict(),
		bad("task.paused", "the task of the token is paused", narrowcast.TaskPaused, "law 6", claim("task", quoted(pausedTask)), TaskPause).strict(),
		bad("revoked.unknown", "nobody knows any more whether the token was revoked", narrowcast.Stale, "law 6", edit(plain), StaleFeed).strict(),
	}
}
