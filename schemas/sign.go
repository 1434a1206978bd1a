package schemas

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// SignEvent signs a record that holds an EVENT with a deployment's key, for its HeaderSignature.
func SignEvent(secret, key, value []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(key)
	mac.Write([]byte{0})
	mac.Write(value)
	return []byte(hex.EncodeToString(mac.Sum(nil)))
}
