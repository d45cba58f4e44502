package normal

import "strings"

// houseNames could be taken for the house, its mailboxes (RFC 2142) or words
// of its pages and documents.
const houseNames = `
	abuse account accounts admin administrator all anonymous anybody api auth authenticated billing
	bot console contact daemon everybody everyone false ftp guest health help helpdesk hostmaster info
	internal login logout mailer-daemon marketing me metrics moderator nan news nil nobody noc none
	no-reply null oauth official operator owner postmaster public register registrar root sales
	security self service settings signin signout signup ssladmin staff sudo superadmin superuser
	support sys sysadmin system team true trust undef undefined usenet user users usher uucp verify vetted
	webmaster webmistress www you`

// reserved holds the house's names as looks gives them; it is never written to.
var reserved = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(houseNames) {
		m[looks(n)] = true
	}
	return m
}()

// looks is what a hurried reader makes of a name: punctuation is not seen, and
// neither is which of several look-alikes a letter is, so that adm1n, Admin_
// and adrnin are admin.
func looks(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(usernamePunctuation, r) {
			return -1
		}
		return r
	}, skeleton(name))
}
