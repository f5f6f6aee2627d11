// Verify a gate decision token, compact JWS. Copy this and strict.go; the standard library is all.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
)

type Key struct {
	Kid, K   string
	Nbf, Exp int64
}

type Expect struct {
	Aud         string
	Now, Leeway int64
}

// Verify gives the claims, or an error that is the reason. A BLOCKED decision verifies too.
func Verify(token string, keys []Key, expect Expect) (*Payload, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("malformed")
	}
	header, claims, mac := readHeader(parts[0]), readPayload(parts[1]), decode(parts[2])
	if header == nil || claims == nil || len(mac) != 32 || header["kid"] != claims.Text["kid"] {
		return nil, errors.New("malformed")
	}
	var key *Key
	for i := range keys {
		if keys[i].Kid == header["kid"] {
			key = &keys[i]
		}
	}
	now, early := expect.Now-expect.Leeway, expect.Now+expect.Leeway
	if key == nil || key.Nbf > early || (key.Exp != 0 && now >= key.Exp) {
		return nil, errors.New("unknown_key")
	}
	hash := hmac.New(sha256.New, decode(key.K))
	hash.Write([]byte(parts[0] + "." + parts[1]))
	switch typ := "gate-decision+v1"; {
	case header["alg"] != "HS256" || !hmac.Equal(hash.Sum(nil), mac):
		return nil, errors.New("bad_signature")
	case header["typ"] != typ || claims.Text["typ"] != typ || claims.Text["alg"] != "HS256":
		return nil, errors.New("wrong_type")
	case claims.Text["aud"] != expect.Aud:
		return nil, errors.New("wrong_audience")
	case claims.Integer["iat"] > early:
		return nil, errors.New("not_yet_valid")
	case now >= claims.Integer["exp"]:
		return nil, errors.New("expired")
	}
	return claims, nil
}
