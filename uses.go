package narrowcast

import "context"

// checkUse uses a token for one use up. It comes last: a request that is refused
// for another cause has not used it. Where only the audience is wrong, observe
// mode might let it pass, so it is said that nobody counted this use.
func (v *Verifier) checkUse(ctx context.Context, t *Token, last func() Reason, f *findings) {
	switch {
	case f.n > 0 && !f.onlyAboutAudience():
	case f.n > 0:
		f.add(UseUnknown, "not asked")
	case v.uses == nil:
		f.add(UseUnknown, "nobody here remembers what was used")
	default:
		if last != nil {
			if r := last(); r != 0 {
				f.add(r, "")
				return
			}
		}
		switch r := v.uses.Use(ctx, t); r {
		case 0:
		case Replayed:
			f.add(Replayed, "the token was used before")
		default:
			f.add(UseUnknown, "")
		}
	}
}

func (f *findings) onlyAboutAudience() bool {
	for _, r := range f.reasons[:f.n] {
		if !r.AboutAudience() {
			return false
		}
	}
	return true
}
