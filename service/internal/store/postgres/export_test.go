package postgres

import "github.com/narrowcast-io/narrowcast/service/internal/store"

// Together appends entries in one transaction. Nobody else may append meanwhile.
func (s *Store) Together(entries []store.Entry) ([]error, error) {
	j := &job{entries: make([]entry, len(entries))}
	for i, e := range entries {
		var err error
		if j.entries[i], err = newEntry(e); err != nil {
			return nil, err
		}
	}
	if err := s.writer.attempt([]*job{j}); err != nil {
		return nil, err
	}
	errs := make([]error, len(entries))
	for i := range errs {
		errs[i] = j.entries[i].err
	}
	return errs, nil
}
