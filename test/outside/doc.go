// Package outside runs other people's OAuth clients, as they are, against a
// running issuer: golang.org/x/oauth2, oauth4webapi and jose under Node.js,
// PyJWT and joserfc under Python.
//
// The script prepare installs the pinned clients. A runtime that the machine
// does not have is left out, and the test says so.
package outside
