package httpapi

// Served is one path of an issuer and what may be done there.
type Served struct {
	Path    string // a pattern of http.ServeMux, below the root of the host
	Methods []string
}

// Served lists everything that the issuer serves.
func (a *API) Served() []Served {
	var all []Served
	for _, r := range a.routes() {
		all = append(all, Served{r.path, r.methods})
	}
	return all
}
