package policy

import "github.com/usher-id/usher/internal/user"

// defaultPortal is what the portal asks for (contract portal.md).
func defaultPortal() Channel {
	choice := func(en, it string, labels map[string]map[string]string, values ...string) Attribute {
		return Attribute{Type: Choice, Values: values, Labels: both(en, it), Help: map[string]string{}, ValueLabels: labels}
	}
	text := func(t AttributeType, en, it, helpEN, helpIT string, most int) Attribute {
		help := map[string]string{}
		if helpEN != "" {
			help = both(helpEN, helpIT)
		}
		return Attribute{Type: t, Values: []string{}, MaxLength: most, Labels: both(en, it), Help: help, ValueLabels: map[string]map[string]string{}}
	}
	return Channel{
		Language: "en", Terms: Terms{Version: "1"}, Default: "enduserprofile", Administrators: []string{},
		Attributes: map[string]Attribute{
			"gender": choice("Gender", "Genere", genders(), "female", "male"),
			"age":    choice("Age", "Età", ages(), "< 19", "19 - 30", "30 - 65", "65+"),
			"occupation": choice("Occupation", "Professione", occupations(),
				"insurance_agent", "trading_agent", "freelancer", "architect", "craftsman", "artist", "lawyer", "housewife",
				"accountant", "dealer", "shop_assistant", "consultant", "public_agency_employee", "private_sector_employee",
				"manager", "public_agency_manager", "pharmacist", "surveyor", "journalist", "entrepreneur", "engineer",
				"teacher", "doctor", "unemployed", "notary", "worker", "retired", "politician", "university_professor",
				"trainee", "professional_athlete", "high_school_student", "college_student"),
			"bio": text(Free, "About you", "Su di te", "", "", 0),
			"phone_number": text(Tel, "Phone number", "Numero di telefono",
				"With the country code, as +393401234567.", "Con il prefisso internazionale, ad esempio +393401234567.", 16),
			"public_transport_usage": choice("How often do you use public transport?", "Quanto usi i mezzi pubblici?",
				habits(), "frequent", "occasional", "rare", "never"),
			"bicycle_usage": choice("How often do you ride a bicycle?", "Quanto usi la bicicletta?",
				habits(), "frequent", "occasional", "seasonal", "rare", "never"),
			"uses_car_sharing":  text(YesNo, "Do you use car sharing?", "Usi il car sharing?", "", "", 0),
			"uses_bike_sharing": text(YesNo, "Do you use bike sharing?", "Usi il bike sharing?", "", "", 0),
			"uses_car_pooling":  text(YesNo, "Do you share your car with others?", "Condividi l’auto con altri?", "", "", 0),
		},
		Profiles: map[string]ProfileType{
			"enduserprofile": {
				Title: both("Personal profile", "Profilo personale"),
				Form: []string{
					"bio", "gender", "age", "occupation", "phone_number", "public_transport_usage", "bicycle_usage",
					"uses_car_sharing", "uses_bike_sharing", "uses_car_pooling",
				},
				Required: []string{"age", TermsField, "occupation"}, Group: "/end_users",
			},
			"privilegeduserprofile":       special("Privileged user", "Utente privilegiato", "/privileged_users"),
			"analystprofile":              special("Analyst", "Analista", "/analysts"),
			"prizemanagerprofile":         special("Prize manager", "Gestore dei premi", "/prize_managers"),
			"competitionmoderatorprofile": special("Competition moderator", "Moderatore delle gare", "/competition_moderators"), //nolint:misspell // Italian
		},
		Groups: []string{"/end_users", "/analysts", "/prize_managers", "/privileged_users", "/competition_moderators"},
		Roles:  map[string]string{"portal_admin": user.RoleOperator, "portal_staff": user.RoleStaff},
	}
}

// special is a profile that somebody must approve.
func special(en, it, group string) ProfileType {
	return ProfileType{Title: both(en, it), Form: []string{}, Required: []string{TermsField}, Approval: true, Group: group}
}

func both(en, it string) map[string]string { return map[string]string{"en": en, "it": it} }

func genders() map[string]map[string]string {
	return map[string]map[string]string{"female": both("Female", "Femmina"), "male": both("Male", "Maschio")}
}

func ages() map[string]map[string]string {
	return map[string]map[string]string{
		"< 19": both("Under 19", "Meno di 19"), "19 - 30": both("19 to 30", "Da 19 a 30"),
		"30 - 65": both("30 to 65", "Da 30 a 65"), "65+": both("Over 65", "Oltre 65"),
	}
}

func habits() map[string]map[string]string {
	return map[string]map[string]string{
		"frequent": both("Often", "Spesso"), "occasional": both("Now and then", "Ogni tanto"),
		"seasonal": both("In some seasons", "In alcune stagioni"), "rare": both("Rarely", "Raramente"), "never": both("Never", "Mai"),
	}
}

func occupations() map[string]map[string]string {
	return map[string]map[string]string{
		"insurance_agent": both("Insurance agent", "Agente assicurativo"), "trading_agent": both("Trading agent", "Agente di commercio"),
		"freelancer": both("Freelancer", "Libero professionista"), "architect": both("Architect", "Architetto"),
		"craftsman": both("Craftsperson", "Artigiano"), "artist": both("Artist", "Artista"), "lawyer": both("Lawyer", "Avvocato"),
		"housewife": both("Homemaker", "Casalinga"), "accountant": both("Accountant", "Commercialista"),
		"dealer": both("Dealer", "Commerciante"), "shop_assistant": both("Shop assistant", "Commesso"),
		"consultant": both("Consultant", "Consulente"), "public_agency_employee": both("Public agency employee", "Dipendente pubblico"),
		"private_sector_employee": both("Private sector employee", "Dipendente privato"), "manager": both("Manager", "Dirigente"),
		"public_agency_manager": both("Public agency manager", "Dirigente pubblico"), "pharmacist": both("Pharmacist", "Farmacista"),
		"surveyor": both("Surveyor", "Geometra"), "journalist": both("Journalist", "Giornalista"),
		"entrepreneur": both("Entrepreneur", "Imprenditore"), "engineer": both("Engineer", "Ingegnere"),
		"teacher": both("Teacher", "Insegnante"), "doctor": both("Doctor", "Medico"), "unemployed": both("Unemployed", "Disoccupato"),
		"notary": both("Notary", "Notaio"), "worker": both("Worker", "Operaio"), "retired": both("Retired", "Pensionato"),
		"politician": both("Politician", "Politico"), "university_professor": both("University professor", "Professore universitario"),
		"trainee": both("Trainee", "Praticante"), "professional_athlete": both("Professional athlete", "Sportivo professionista"),
		"high_school_student": both("High school student", "Studente delle superiori"), "college_student": both("College student", "Studente universitario"),
	}
}
