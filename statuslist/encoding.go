package statuslist

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Encode packs the list as the member lst of a token (section 4.2 of the draft):
// ZLIB (RFC 1950) with the best compression, in base64url without padding. The
// text is not the same for every compressor; what it unpacks to is.
func (l *List) Encode() (string, error) {
	if l.Len() == 0 {
		return "", errors.New("status list: packing a list without places")
	}
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		return "", fmt.Errorf("status list: packing: %w", err)
	}
	if _, err := w.Write(l.packed); err != nil {
		return "", fmt.Errorf("status list: packing: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("status list: packing: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(packed.Bytes()), nil
}

// Decode unpacks the member lst. It refuses other spellings of base64url, a
// stream that something follows, a wrong checksum, and what unpacks to nothing or
// to more than MaxBytes.
func Decode(bits int, lst string) (*List, error) {
	if err := checkBits(bits); err != nil {
		return nil, err
	}
	if strings.ContainsAny(lst, "\r\n") { // the decoder skips them
		return nil, errors.New("status list: unpacking: not base64url")
	}
	stream, err := base64.RawURLEncoding.Strict().DecodeString(lst)
	if err != nil {
		return nil, errors.New("status list: unpacking: not base64url without padding")
	}
	packed, err := inflate(stream)
	if err != nil {
		return nil, fmt.Errorf("status list: unpacking: %w", err)
	}
	return &List{bits: uint(bits), packed: packed}, nil
}

// inflate reads one ZLIB stream of at most MaxBytes.
func inflate(stream []byte) ([]byte, error) {
	rest := bytes.NewReader(stream)
	r, err := zlib.NewReader(rest)
	if err != nil {
		return nil, err
	}
	unpacked, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(unpacked) > MaxBytes:
		return nil, fmt.Errorf("more than %d bytes", MaxBytes)
	case len(unpacked) == 0:
		return nil, errors.New("there are no places")
	case rest.Len() > 0:
		return nil, errors.New("something follows the stream")
	}
	return unpacked, r.Close()
}
