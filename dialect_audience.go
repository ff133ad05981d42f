package narrowcast

// audiences decides about the audience of the token.
func (r *reading) audiences(ours Audience, odd *oddities) {
	d, aud := &r.by.Dialect, &r.c.aud
	if !d.otherAudience() {
		odd.audience = r.by.addressed(aud, ours)
		return
	}
	if aud.malformed || aud.one != "" || len(aud.many) > 0 {
		odd.audience = r.by.addressed(aud, ours)
	} else {
		*aud = audienceClaim{}
	}
	r.translate()
	if odd.audience == 0 {
		odd.audience = r.by.addressed(&r.audience, ours)
	}
	if aud.one == "" && len(aud.many) == 0 {
		*aud = r.audience
	}
}

// unlisted stands before a client that stands for no resource. No Audience
// begins with a space.
const unlisted = " "

// translate turns clients into the resources that they stand for.
func (r *reading) translate() {
	clients := r.by.Dialect.Clients
	if clients == nil {
		return
	}
	resource := func(client string) string {
		if a, listed := clients[ClientID(client)]; listed {
			return a.text
		}
		return unlisted + client
	}
	if r.audience.one != "" {
		r.audience.one = resource(r.audience.one)
	}
	for i, client := range r.audience.many {
		r.audience.many[i] = resource(client)
	}
}

// addressed decides whether a is addressed to ours, to nobody in particular, or
// to somebody else.
func (t *trusted) addressed(a *audienceClaim, ours Audience) Reason {
	if a.malformed {
		return AudienceMalformed
	}
	mine, ambient, companions, others := 0, 0, 0, 0
	for _, one := range a.list() {
		switch {
		case ours.Names(one):
			mine++
		case names(t.Dialect.Companions, one):
			companions++
		case t.ambient(one):
			ambient++
		default:
			others++
		}
	}
	switch {
	case mine == 0 && others > 0:
		return AudienceMismatch
	case mine == 0 && ambient+companions > 0:
		return AmbientAudience
	case mine == 0:
		return AudienceMissing
	case mine > 1 || ambient > 0 || others > 0:
		return AudienceMultiple
	}
	return 0
}
