package federation

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// attributeNames are the types of attributes that have a short name (RFC 4514
// section 3, and emailAddress, which everybody writes so).
func attributeNames() map[string]string {
	return map[string]string{
		"2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET",
		"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.17": "POSTALCODE",
		"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "EMAILADDRESS",
	}
}

// maxDN bounds a distinguished name, in bytes.
const maxDN = 1024

// CertificateDN returns the subject of a certificate (its RawSubject) as a text
// to compare: the form of RFC 4514 section 2, the last element of the sequence
// first, types in upper case, no white space around separators, the attributes
// of one element sorted. It compares with what [ParseDN] returns, byte by byte;
// letter case in values counts.
func CertificateDN(raw []byte) (string, error) {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &sequence); err != nil || len(rest) > 0 || len(raw) > maxDN {
		return "", errors.New("subject of the certificate: cannot be read")
	}
	names := attributeNames()
	var elements []string
	for _, set := range slices.Backward(sequence) {
		var attributes []string
		for _, attribute := range set {
			name := names[attribute.Type.String()]
			value, isText := attribute.Value.(string)
			if name == "" || !isText || !printable(value) {
				return "", fmt.Errorf("subject of the certificate: has an attribute %s that cannot be compared", attribute.Type)
			}
			attributes = append(attributes, name+"="+escapeDN(value))
		}
		slices.Sort(attributes)
		elements = append(elements, strings.Join(attributes, "+"))
	}
	if len(elements) == 0 {
		return "", errors.New("subject of the certificate: is empty")
	}
	return strings.Join(elements, ","), nil
}

// ParseDN reads a distinguished name as people write it (RFC 4514 section 3) and
// returns the text to compare with [CertificateDN].
func ParseDN(text string) (string, error) {
	if text == "" || len(text) > maxDN || !printable(text) {
		return "", errors.New("distinguished name: must have 1 to 1024 printable characters")
	}
	known := attributeNames()
	var elements []string
	for _, element := range cutUnescaped(text, ',') {
		var attributes []string
		for _, attribute := range cutUnescaped(element, '+') {
			name, value, cut := strings.Cut(attribute, "=")
			name = strings.ToUpper(strings.TrimSpace(name))
			if !cut || !isAttribute(known, name) {
				return "", errors.New("distinguished name: must be written like CN=checkout,OU=shop,O=Corp, with types such as CN, O, OU, C, DC, UID")
			}
			plain, err := unescapeDN(value)
			if err != nil {
				return "", err
			}
			attributes = append(attributes, name+"="+escapeDN(plain))
		}
		slices.Sort(attributes)
		elements = append(elements, strings.Join(attributes, "+"))
	}
	return strings.Join(elements, ","), nil
}

func isAttribute(known map[string]string, name string) bool {
	for _, short := range known {
		if short == name {
			return true
		}
	}
	return false
}

// cutUnescaped splits at a separator that no backslash stands before.
func cutUnescaped(text string, separator byte) (parts []string) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case separator:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

const specialDN = "\\\",+;<>=#"

// unescapeDN reads a value: \, and its like, and \C3 with two digits.
func unescapeDN(text string) (string, error) {
	fault := errors.New("distinguished name: has a value that is empty, a pattern or wrongly escaped")
	text = strings.TrimLeft(text, " ")
	var b strings.Builder
	end := 0 // trailing spaces count only when they are escaped
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && (text[i+1] == ' ' || strings.IndexByte(specialDN, text[i+1]) >= 0):
			i++
			b.WriteByte(text[i])
			end = b.Len()
			continue
		case c == '\\':
			pair, err := hex.DecodeString(text[min(i+1, len(text)):min(i+3, len(text))])
			if err != nil || len(pair) != 1 {
				return "", fault
			}
			b.Write(pair)
			i += 2
			end = b.Len()
			continue
		case c == '"' || c == '#' && b.Len() == 0:
			return "", fault
		}
		b.WriteByte(c)
		if c != ' ' {
			end = b.Len()
		}
	}
	value := b.String()[:end]
	if value == "" || !printable(value) || strings.Contains(value, "*") {
		return "", fault
	}
	return value, nil
}

func escapeDN(value string) string {
	var b strings.Builder
	for i, c := range []byte(value) {
		edge := (i == 0 || i == len(value)-1) && c == ' '
		if edge || strings.IndexByte(specialDN, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}
