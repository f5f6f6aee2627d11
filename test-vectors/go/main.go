// Replays the vectors through the Go sample, and takes part in the random run.
//
//	go run . vectors     the JWS rows of ../tokens.json
//	go run . stream      NDJSON in, NDJSON out: see ../README.md
//	--plant-fault        take every signature for good
package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
)

type row struct {
	Description, Form, Input, Reason, Aud string
	Now, Leeway                           int64
	Order                                 *string
}

var faulty = false

func outcome(token string, keys []Key, expect Expect) string {
	_, err := Verify(token, keys, expect)
	if err == nil || (faulty && err.Error() == "bad_signature") {
		return "valid"
	}
	return err.Error()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func vectors() {
	var file struct {
		Keys struct{ Keys []Key }
		Rows []row
	}
	text, err := os.ReadFile("../tokens.json")
	must(err)
	must(json.Unmarshal(text, &file))
	rows, wrong := 0, 0
	for _, row := range file.Rows {
		if row.Form != "jws" || row.Order != nil {
			continue
		}
		rows++
		expected := row.Reason
		if expected == "" {
			expected = "valid"
		}
		if found := outcome(row.Input, file.Keys.Keys, Expect{row.Aud, row.Now, row.Leeway}); found != expected {
			wrong++
			fmt.Printf("tokens: %s: %s, expected %s\n", row.Description, found, expected)
		}
	}
	fmt.Printf("go: %d rows, %d disagreements\n", rows, wrong)
	if wrong > 0 || rows < 200 {
		os.Exit(1)
	}
}

func stream() {
	in, out := bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	var setup struct {
		Keys struct{ Keys []Key }
		Aud  string
		Now  int64
	}
	line, err := in.ReadBytes('\n')
	must(err)
	must(json.Unmarshal(line, &setup))
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var task struct {
			Claims string
			Tokens [][2]string
		}
		must(json.Unmarshal(line, &task))
		verdicts := []*string{}
		for _, token := range task.Tokens {
			if token[0] != "jws" {
				verdicts = append(verdicts, nil)
				continue
			}
			verdict := outcome(token[1], setup.Keys.Keys, Expect{setup.Aud, setup.Now, 0})
			verdicts = append(verdicts, &verdict)
		}
		var claims map[string]any
		must(json.Unmarshal([]byte(task.Claims), &claims))
		answer, err := json.Marshal(map[string]any{"jws": sign(task.Claims, claims, setup.Keys.Keys), "verdicts": verdicts})
		must(err)
		out.Write(append(answer, '\n'))
	}
}

func sign(text string, claims map[string]any, keys []Key) string {
	header, err := json.Marshal(map[string]any{"alg": "HS256", "kid": claims["kid"], "typ": claims["typ"]})
	must(err)
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString([]byte(text))
	for _, key := range keys {
		if key.Kid == claims["kid"] {
			hash := hmac.New(sha256.New, decode(key.K))
			hash.Write([]byte(input))
			return input + "." + base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
		}
	}
	return ""
}

func main() {
	mode := "vectors"
	for _, argument := range os.Args[1:] {
		if argument == "--plant-fault" {
			faulty = true
		} else {
			mode = argument
		}
	}
	if mode == "stream" {
		stream()
	} else {
		vectors()
	}
}
