// Strict reading of a token's JSON: encoding/json alone lets members repeat and surrogates stand alone.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

type Payload struct {
	Text    map[string]string
	Integer map[string]int64
	Reasons []string
}

var (
	pair = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	lone = regexp.MustCompile(`\\u[dD][89a-fA-F]`)
)

// decode gives the bytes of strict base64url, nil if it is not; Go's own skips line ends.
func decode(text string) []byte {
	bytes, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil
	}
	return bytes
}

// members gives each member of a JSON object as its text, nil if it is none or one stands twice.
func members(part string) map[string]json.RawMessage {
	text := decode(part)
	escapes := pair.ReplaceAllString(strings.ReplaceAll(string(text), `\\`, "_"), "")
	if !json.Valid(text) || !utf8.Valid(text) || lone.MatchString(escapes) {
		return nil
	}
	found, reader := map[string]json.RawMessage{}, json.NewDecoder(bytes.NewReader(text))
	if start, _ := reader.Token(); start != json.Delim('{') {
		return nil
	}
	for reader.More() {
		name, _ := reader.Token()
		var value json.RawMessage
		if _, twice := found[name.(string)]; twice || reader.Decode(&value) != nil {
			return nil
		}
		found[name.(string)] = value
	}
	return found
}

func isText(value json.RawMessage) bool { return len(value) > 0 && value[0] == '"' }

func readHeader(part string) map[string]string {
	header, found := map[string]string{}, members(part)
	for _, name := range []string{"alg", "kid", "typ"} {
		text := ""
		if !isText(found[name]) || json.Unmarshal(found[name], &text) != nil || len(found) != 3 {
			return nil
		}
		header[name] = text
	}
	return header
}

func readPayload(part string) *Payload {
	found, claims := members(part), &Payload{map[string]string{}, map[string]int64{}, nil}
	for _, name := range strings.Fields("alg aud client_id client_order_id iss jti kid notional order_digest policy_hash policy_revision status typ") {
		text := ""
		if !isText(found[name]) || json.Unmarshal(found[name], &text) != nil {
			return nil
		}
		claims.Text[name] = text
	}
	for _, name := range []string{"exp", "iat", "seq"} {
		value, err := strconv.ParseUint(string(found[name]), 10, 53)
		if err != nil {
			return nil
		}
		claims.Integer[name] = int64(value)
	}
	var reasons []json.RawMessage
	if json.Unmarshal(found["reasons"], &reasons) != nil || reasons == nil {
		return nil
	}
	for _, reason := range reasons {
		text := ""
		if !isText(reason) || json.Unmarshal(reason, &text) != nil {
			return nil
		}
		claims.Reasons = append(claims.Reasons, text)
	}
	status := claims.Text["status"]
	if len(found) != 17 || len(decode(claims.Text["order_digest"])) != 32 || (status != "AUTHORIZED" && status != "BLOCKED") {
		return nil
	}
	return claims
}
