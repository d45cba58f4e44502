package gqlauth_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/user"
)

func TestSigningInServesTheFieldsThatFollow(t *testing.T) {
	w := newWorld()
	w.post(t, "", `mutation {
		before: updateAccount(firstName: "A") { success errors }
		tokenAuth(email: "ada@x.org", password: "right") { success token refreshToken unarchiving user { pk username } }
		after: updateAccount(firstName: "A") { success errors }
	}`, nil).says(t, 200, `{"data":{"before":{"success":false,"errors":{"nonFieldErrors":[{"message":"Unauthenticated.","code":"unauthenticated"}]}},`+
		`"tokenAuth":{"success":true,"token":"ada@x.org","refreshToken":"refresh","unarchiving":false,"user":{"pk":2,"username":"ada"}},`+
		`"after":{"success":true,"errors":null}}}`)
	if want := []string{"TokenAuth", "Update 2"}; !slices.Equal(w.calls, want) {
		t.Errorf("calls %v, want %v", w.calls, want)
	}
}

func TestSigningInWinsOverTheHeader(t *testing.T) {
	w := newWorld()
	w.post(t, "lisa@x.org", `mutation { tokenAuth(email:"ada@x.org",password:"right"){success} updateAccount(lastName:"B"){success} }`, nil).
		holds(t, 200, `"updateAccount":{"success":true}`)
	if want := []string{"TokenAuth", "Update 2"}; !slices.Equal(w.calls, want) {
		t.Errorf("calls %v, want %v", w.calls, want)
	}
}

// The front end confirms a change of address in one document under one JWT,
// whose subject the second field changes.
func TestConfirmingAChangeOfAddress(t *testing.T) {
	const confirm = `mutation confirmEmailChange($token: String!, $password: String!){ verifySecondaryEmail( token: $token ) { success, errors } swapEmails( password: $password ) { success, errors } removeSecondaryEmail( password: $password ) { success, errors } }`
	t.Run("all of it", func(t *testing.T) {
		w := newWorld()
		w.post(t, "lisa@x.org", confirm, map[string]any{"token": "good", "password": "right"}).
			says(t, 200, `{"data":{"verifySecondaryEmail":{"success":true,"errors":null},"swapEmails":{"success":true,"errors":null},"removeSecondaryEmail":{"success":true,"errors":null}}}`)
		if want := []string{"VerifySecondary", "JWT", "SwapEmails", "RemoveSecondary"}; !slices.Equal(w.calls, want) {
			t.Errorf("calls %v, want %v: the token is read once", w.calls, want)
		}
		w.post(t, "lisa@x.org", "{me{email}}", nil).says(t, 200, meNull)
	})
	t.Run("one failing does not stop the rest", func(t *testing.T) {
		newWorld().post(t, "lisa@x.org", confirm, map[string]any{"token": "bad", "password": "wrong"}).
			says(t, 200, `{"data":{"verifySecondaryEmail":{"success":false,"errors":{"nonFieldErrors":[{"message":"Invalid token.","code":"invalid_token"}]}},`+
				`"swapEmails":{"success":false,"errors":{"password":[{"message":"Invalid password.","code":"invalid_password"}]}},`+
				`"removeSecondaryEmail":{"success":false,"errors":{"password":[{"message":"Invalid password.","code":"invalid_password"}]}}}}`)
	})
}

// The world's Register and its like fail if they are given a session.
func TestMutationsThatDoNotReadTheHeader(t *testing.T) {
	for name, document := range map[string]string{
		"register":               `register(email:"a@b.co",username:"u",password1:"p",password2:"p")`,
		"verifyAccount":          `verifyAccount(token:"good")`,
		"resendActivationEmail":  `resendActivationEmail(email:"a@b.co")`,
		"sendPasswordResetEmail": `sendPasswordResetEmail(email:"a@b.co")`,
		"passwordReset":          `passwordReset(token:"good",newPassword1:"p",newPassword2:"p")`,
		"passwordSet":            `passwordSet(token:"good",newPassword1:"p",newPassword2:"p")`,
		"tokenAuth":              `tokenAuth(email:"ada@x.org",password:"right")`,
		"verifyToken":            `verifyToken(token:"good")`,
		"refreshToken":           `refreshToken(refreshToken:"good")`,
		"revokeToken":            `revokeToken(refreshToken:"good")`,
		"verifySecondaryEmail":   `verifySecondaryEmail(token:"good")`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.post(t, "lisa@x.org", "mutation{"+document+"{success errors}}", nil).
				says(t, 200, `{"data":{"`+name+`":{"success":true,"errors":null}}}`)
			if slices.Contains(w.calls, "JWT") {
				t.Errorf("calls %v", w.calls)
			}
		})
	}
}

func TestMutationsOfTheSignedIn(t *testing.T) {
	for name, document := range map[string]string{
		"updateAccount":                `updateAccount(firstName:"A")`,
		"passwordChange":               `passwordChange(oldPassword:"right",newPassword1:"p",newPassword2:"p")`,
		"archiveAccount":               `archiveAccount(password:"right")`,
		"deleteAccount":                `deleteAccount(password:"right")`,
		"sendSecondaryEmailActivation": `sendSecondaryEmailActivation(email:"a@b.co",password:"right")`,
		"swapEmails":                   `swapEmails(password:"right")`,
		"removeSecondaryEmail":         `removeSecondaryEmail(password:"right")`,
	} {
		t.Run(name, func(t *testing.T) {
			const unauthenticated = `{"success":false,"errors":{"nonFieldErrors":[{"message":"Unauthenticated.","code":"unauthenticated"}]}}}}`
			document := "mutation{" + document + "{success errors}}"
			newWorld().post(t, "lisa@x.org", document, nil).says(t, 200, `{"data":{"`+name+`":{"success":true,"errors":null}}}`)
			newWorld().post(t, "", document, nil).says(t, 200, `{"data":{"`+name+`":`+unauthenticated)
			newWorld().post(t, "garbage", document, nil).says(t, 200, `{"data":{"`+name+`":`+unauthenticated)
			ended := newWorld()
			ended.refusal = user.Refuse(user.BadToken, "")
			ended.post(t, "lisa@x.org", document, nil).says(t, 200, `{"data":{"`+name+`":`+unauthenticated)
		})
	}
}

func TestAfterADeletionNobodyIsSignedIn(t *testing.T) {
	w := newWorld()
	w.post(t, "lisa@x.org", `mutation{deleteAccount(password:"right"){success} updateAccount(firstName:"A"){success}}`, nil).
		says(t, 200, `{"data":{"deleteAccount":{"success":true},"updateAccount":{"success":false}}}`)
}

func TestAPasswordChangeGoesOnWithItsNewSession(t *testing.T) {
	w := newWorld() // which hands over to the session of user 2
	w.post(t, "lisa@x.org", `mutation{passwordChange(oldPassword:"right",newPassword1:"p",newPassword2:"p"){success token refreshToken} updateAccount(firstName:"A"){success}}`, nil).
		says(t, 200, `{"data":{"passwordChange":{"success":true,"token":"fresh","refreshToken":"r"},"updateAccount":{"success":true}}}`)
	if w.calls[len(w.calls)-1] != "Update 2" {
		t.Errorf("calls %v", w.calls)
	}
}

func TestRefreshTokensAreMadeForThoseWhoReadThem(t *testing.T) {
	for document, want := range map[string]bool{
		`mutation{tokenAuth(email:"ada@x.org",password:"right"){token}}`:                                                  false,
		`mutation{tokenAuth(email:"ada@x.org",password:"right"){r:refreshToken}}`:                                         true,
		`mutation{tokenAuth(email:"ada@x.org",password:"right"){...F}} fragment F on ObtainJSONWebToken{refreshToken}`:    true,
		`mutation{tokenAuth(email:"ada@x.org",password:"right"){token refreshToken @skip(if:true)}}`:                      false,
		`mutation{refreshToken(refreshToken:"good"){token}}`:                                                              false,
		`mutation{refreshToken(refreshToken:"good"){token refreshToken}}`:                                                 true,
		`mutation{passwordChange(oldPassword:"right",newPassword1:"p",newPassword2:"p"){... on PasswordChange{success}}}`: false,
		`mutation{passwordChange(oldPassword:"right",newPassword1:"p",newPassword2:"p"){refreshToken}}`:                   true,
	} {
		w := newWorld()
		w.post(t, "lisa@x.org", document, nil)
		if len(w.wants) != 1 || w.wants[0].Refresh != want {
			t.Errorf("%s: %v, want %v", document, w.wants, want)
		}
	}
}

func TestNullIsAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
	}{
		"variable": {`mutation($u:String,$p:String!){tokenAuth(email:"ada@x.org",username:$u,password:$p){success}}`, map[string]any{"u": nil, "p": "right"}},
		"missing":  {`mutation($u:String){tokenAuth(email:"ada@x.org",username:$u,password:"right"){success}}`, nil},
		"literal":  {`mutation{tokenAuth(email:"ada@x.org",username:null,password:"right"){success}}`, nil},
		"unknown":  {`mutation{tokenAuth(email:"ada@x.org",password:"right"){success}}`, map[string]any{"other": 5}},
	} {
		t.Run(name, func(t *testing.T) {
			newWorld().post(t, "", c.query, c.variables).says(t, 200, `{"data":{"tokenAuth":{"success":true}}}`)
		})
	}
}

func TestOneIdentifier(t *testing.T) {
	const text = "Must login with password and one of the following fields ['email', 'username']."
	w := newWorld()
	w.post(t, "", `mutation{tokenAuth(password:"right"){success}}`, nil).
		says(t, 200, `{"errors":[{"message":"`+text+`","locations":[{"line":1,"column":10}],"path":["tokenAuth"]}],"data":{"tokenAuth":null}}`)
	w.post(t, "", `mutation{tokenAuth(password:"right",email:"ada@x.org",username:"ada"){success}}`, nil).holds(t, 200, text)
	if len(w.calls) > 0 {
		t.Errorf("calls %v", w.calls)
	}
}

func TestVariablesHaveTheirTypes(t *testing.T) {
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
	}{
		"list of addresses":  {`mutation($e:String!){sendPasswordResetEmail(email:$e){success}}`, map[string]any{"e": []any{"victim@x.org", "mallory@x.org"}}},
		"number for text":    {`mutation($e:String!){sendPasswordResetEmail(email:$e){success}}`, map[string]any{"e": 5}},
		"object for text":    {`mutation($e:String!){sendPasswordResetEmail(email:$e){success}}`, map[string]any{"e": map[string]any{"a": "b"}}},
		"boolean for text":   {`mutation($e:String!){sendPasswordResetEmail(email:$e){success}}`, map[string]any{"e": true}},
		"null for text":      {`mutation($e:String!){sendPasswordResetEmail(email:$e){success}}`, map[string]any{"e": nil}},
		"fraction for Int":   {`query($n:Int){users(first:$n){edges{cursor}}}`, map[string]any{"n": 1.5}},
		"too large for Int":  {`query($n:Int){users(first:$n){edges{cursor}}}`, map[string]any{"n": 3e9}},
		"text for Int":       {`query($n:Int){users(first:$n){edges{cursor}}}`, map[string]any{"n": "1"}},
		"literal too large":  {`{users(first:3000000000){edges{cursor}}}`, nil},
		"text for Boolean":   {`query($b:Boolean){users(isActive:$b){edges{cursor}}}`, map[string]any{"b": "true"}},
		"object for ID":      {`query($i:ID!){user(id:$i){email}}`, map[string]any{"i": map[string]any{}}},
		"text for input":     {`mutation($i:WorkingGroupInput){setWorkingGroup(input:$i){ok}}`, map[string]any{"i": "x"}},
		"member missing":     {`mutation($i:WorkingGroupInput){setWorkingGroup(input:$i){ok}}`, map[string]any{"i": map[string]any{"institution": "a", "city": "b"}}},
		"member unknown":     {`mutation($i:WorkingGroupInput){setWorkingGroup(input:$i){ok}}`, map[string]any{"i": map[string]any{"institution": "a", "city": "b", "country": "c", "isRepresentative": true}}},
		"member of no type":  {`mutation($i:WorkingGroupInput){setWorkingGroup(input:$i){ok}}`, map[string]any{"i": map[string]any{"institution": 1, "city": "b", "country": "c"}}},
		"unknown type":       {`query($i:Nope){user(id:$i){email}}`, map[string]any{"i": "x"}},
		"output type":        {`query($i:UserNode){user(id:$i){email}}`, map[string]any{"i": "x"}},
		"nullable for text":  {`mutation($e:String){sendPasswordResetEmail(email:$e){success}}`, map[string]any{"e": "a"}},
		"wrong in a literal": {`mutation{setWorkingGroup(input:{institution:1,city:"b",country:"c"}){ok}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			got := w.post(t, "lisa@x.org", c.query, c.variables)
			if got.status != 400 || len(w.calls) > 0 {
				t.Errorf("%d %s, calls %v", got.status, got.body, w.calls)
			}
		})
	}
}

func TestFormsAreTrimmedAndPasswordsAreNot(t *testing.T) {
	w := newWorld()
	w.post(t, "", `mutation{register(email:" a@b.co ",username:" u ",password1:" p ",password2:" p "){success}}`, nil)
	if want := (gqlauth.Registration{Email: "a@b.co", Username: "u", Password1: " p ", Password2: " p "}); !reflect.DeepEqual(w.last, want) {
		t.Errorf("got %+v", w.last)
	}
}

func TestUpdateBindsNamesOnly(t *testing.T) {
	w := newWorld()
	w.post(t, "lisa@x.org", `mutation{updateAccount(firstName:" Louise ",isRepresentative:"true"){success errors}}`, nil).
		says(t, 200, `{"data":{"updateAccount":{"success":true,"errors":null}}}`)
	if want := (gqlauth.Update{FirstName: new("Louise")}); !reflect.DeepEqual(w.last, want) {
		t.Errorf("got %+v", w.last)
	}
}

func TestWithoutCompatEnumerationNothingIsTold(t *testing.T) {
	const register = `mutation{register(email:"a@b.co",username:"u",password1:"p",password2:"p"){success errors}}`
	silent := `{"data":{"register":{"success":true,"errors":null}}}`
	for name, c := range map[string]struct {
		refusal error
		want    string
	}{
		"address":           {user.Refuse(user.InUse, "email"), silent},
		"secondary address": {user.Refuse(user.InUse, "email", "why", gqlauth.WhySecondary), silent},
		"with a username": {
			errors.Join(user.Refuse(user.InUse, "email"), user.Refuse(user.InUse, "username")),
			`{"data":{"register":{"success":false,"errors":{"email":[{"message":"User with this Email already exists.","code":"unique"}],"username":[{"message":"User with this Username already exists.","code":"unique"}]}}}}`,
		},
		"a weak password": {
			user.Refuse(user.WeakPassword, "password2", "why", gqlauth.WhyNumeric),
			`{"data":{"register":{"success":false,"errors":{"password2":[{"message":"This password is entirely numeric.","code":"password_entirely_numeric"}]}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.discreet, w.refusal = true, c.refusal
			w.post(t, "", register, nil).says(t, 200, c.want)
		})
	}
	w := newWorld()
	w.refusal = user.Refuse(user.Conflict, "email", "why", gqlauth.WhyVerified)
	const resend = `mutation{resendActivationEmail(email:"a@b.co"){success errors}}`
	w.post(t, "", resend, nil).holds(t, 200, `"email":[{"message":"Account already verified.","code":"already_verified"}]`)
	w.discreet = true
	w.post(t, "", resend, nil).says(t, 200, `{"data":{"resendActivationEmail":{"success":true,"errors":null}}}`)
}

func TestTokensOfTheWire(t *testing.T) {
	w := newWorld()
	w.post(t, "", `mutation{verifyToken(token:"good"){success errors payload}}`, nil).
		says(t, 200, `{"data":{"verifyToken":{"success":true,"errors":null,"payload":`+claims+`}}}`)
	w.post(t, "", `mutation{refreshToken(refreshToken:"good"){success token refreshToken payload}}`, nil).
		says(t, 200, `{"data":{"refreshToken":{"success":true,"token":"lisa@x.org","refreshToken":"next","payload":`+claims+`}}}`)
	w.post(t, "", `mutation{refreshToken(refreshToken:"nope"){success token refreshToken payload}}`, nil).
		says(t, 200, `{"data":{"refreshToken":{"success":false,"token":null,"refreshToken":null,"payload":null}}}`)
	w.post(t, "", `mutation{revokeToken(refreshToken:"good"){revoked success}}`, nil).
		says(t, 200, `{"data":{"revokeToken":{"revoked":1700000000,"success":true}}}`)
	w.post(t, "", `mutation{tokenAuth(email:"ada@x.org",password:"wrong"){success errors token refreshToken unarchiving user{pk}}}`, nil).
		says(t, 200, `{"data":{"tokenAuth":{"success":false,"errors":{"nonFieldErrors":[{"message":"Please, enter valid credentials.","code":"invalid_credentials"}]},"token":null,"refreshToken":null,"unarchiving":false,"user":null}}}`)
}

func TestGroups(t *testing.T) {
	const join = `mutation($i:WorkingGroupInput){setWorkingGroup(input:$i){ok user{id username email isRepresentative workingGroup{id name}}}}`
	const create = `mutation($i:CreateWorkingGroupInput){createWorkingGroup(input:$i){ok workinggroup{id name nEmployees representative{username email}institution{name state}field{field subfield}}}}`
	name := map[string]any{"name": "GIScience", "institution": "Heidelberg University", "city": "Heidelberg", "country": "Germany"}
	whole := map[string]any{"field": "Natural Sciences", "subfield": "Mathematics", "nEmployees": 5, "institution": "I", "city": "C", "country": "D", "name": nil}

	newWorld().post(t, "ada@x.org", join, map[string]any{"i": name}).
		says(t, 200, `{"data":{"setWorkingGroup":{"ok":true,"user":{"id":"2","username":"ada","email":"ada@x.org","isRepresentative":false,"workingGroup":{"id":"g1","name":"GIScience"}}}}}`)
	w := newWorld()
	w.post(t, "lisa@x.org", create, map[string]any{"i": whole}).
		says(t, 200, `{"data":{"createWorkingGroup":{"ok":true,"workinggroup":{"id":"g1","name":"GIScience","nEmployees":5,"representative":{"username":"lisalou","email":"lisa@x.org"},"institution":{"name":"Heidelberg University","state":"Baden-W\u00fcrttemberg"},"field":{"field":"Natural Sciences","subfield":"Mathematics"}}}}}`)
	want := gqlauth.NewGroup{GroupName: gqlauth.GroupName{Institution: "I", City: "C", Country: "D"}, Field: "Natural Sciences", Subfield: "Mathematics", Employees: 5}
	if !reflect.DeepEqual(w.last, want) {
		t.Errorf("got %+v", w.last)
	}
	newWorld().post(t, "lisa@x.org", `mutation{createWorkingGroup{ok}}`, nil).holds(t, 200, "Input is required.")

	for _, document := range []string{join, create} {
		input := name
		if document == create {
			input = whole
		}
		w := newWorld()
		w.post(t, "", document, map[string]any{"i": input}).holds(t, 200, "You do not have permission to perform this action")
		for text, no := range map[string]*user.Refusal{
			"Institution not found.":   user.Refuse(user.NotFound, "institution"),
			"Field not found.":         user.Refuse(user.NotFound, "field"),
			"Working group not found.": user.Refuse(user.NotFound, "workinggroup"),
			"This working group cannot be created, because it already exists.":                                                 user.Refuse(user.InUse, "name"),
			"This user cannot create a new working group, since they are already the representative of another working group.": user.Refuse(user.Conflict, "representative"),
			"Ensure this value has at most 9 characters (it has 12).":                                                          user.Refuse(user.TooLarge, "name", "max", "9", "length", "12"),
		} {
			w.refusal = no
			w.post(t, "lisa@x.org", document, map[string]any{"i": input}).holds(t, 200, text)
		}
	}
}
