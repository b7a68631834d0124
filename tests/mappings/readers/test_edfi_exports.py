import json
from pathlib import Path

import pytest

from mappings.language import Held, Mapped, compile_map, flatten, load_map
from mappings.readers import SEVERAL, SourceError, SourceFormat, open_table

URI = "uri://ed-fi.org/"


def interchange(name: str, body: str) -> str:
    return f'<Interchange{name} xmlns="http://ed-fi.org/5.2.0">{body}</Interchange{name}>'


def student(number: str, first: str = "Zoë") -> str:
    return (
        f"<Student><StudentUniqueId>{number}</StudentUniqueId><Name><FirstName>{first}</FirstName>"
        "<LastSurname>Ñandú</LastSurname></Name><BirthData><BirthDate>2012-03-04</BirthDate>"
        "</BirthData></Student>"
    )


def of(number: str) -> str:
    identity = f"<StudentIdentity><StudentUniqueId>{number}</StudentUniqueId></StudentIdentity>"
    return f"<StudentReference>{identity}</StudentReference>"


def seoa(number: str, sex: str, city: str = "Grand Bend") -> str:
    address = (
        f"<Address><City>{city}</City><AddressType>{URI}AddressTypeDescriptor#Home</AddressType>"
        f"</Address><Address><City>Elsewhere</City><AddressType>{URI}AddressTypeDescriptor#Mailing"
        "</AddressType></Address>"
    )
    return (
        f"<StudentEducationOrganizationAssociation>{of(number)}{address}"
        f"<Sex>{URI}SexDescriptor#{sex}</Sex></StudentEducationOrganizationAssociation>"
    )


CONTACTS = (
    '<Contact id="C1"><ContactUniqueId>91</ContactUniqueId><Name><FirstName>Second</FirstName>'
    "<LastSurname>Contact</LastSurname></Name></Contact>"
    "<Contact><ContactUniqueId>92</ContactUniqueId><Name><FirstName>Ada</FirstName><LastSurname>"
    "Ñandú</LastSurname></Name><Telephone><TelephoneNumber>555-0100</TelephoneNumber></Telephone>"
    "<Telephone><TelephoneNumber>555-0101</TelephoneNumber></Telephone></Contact>"
    f'<StudentContactAssociation>{of("1")}<ContactReference ref="C1"/>'
    f"<Relation>{URI}RelationDescriptor#Father</Relation>"
    "<PrimaryContactStatus>false</PrimaryContactStatus></StudentContactAssociation>"
    f"<StudentContactAssociation>{of('1')}<ContactReference><ContactIdentity><ContactUniqueId>92"
    "</ContactUniqueId></ContactIdentity></ContactReference>"
    f"<Relation>{URI}RelationDescriptor#Mother</Relation>"
    "<PrimaryContactStatus>true</PrimaryContactStatus></StudentContactAssociation>"
)


def written(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "edfi"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.xml").write_text(text, encoding="utf-8")
    return folder


def outcomes(path: Path, name: str = "edfi-xml") -> list[Mapped | Held]:
    return list(compile_map(load_map(name)).run([path]))


def cells(path: Path, *places: str, name: str = "edfi-xml") -> list[list[str]]:
    return list(open_table(path, SourceFormat((name,), locations=places)).rows)


def refusal(path: Path, name: str = "edfi-xml") -> str:
    with pytest.raises(SourceError) as refused:
        cells(path, "Student.StudentUniqueId" if name == "edfi-xml" else "students.x", name=name)
    return str(refused.value)


def test_files_are_joined_by_identity_and_by_ref_the_primary_contact_first(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        a=interchange("Contact", CONTACTS),
        b=interchange("Student", student("1")),
        c=interchange("StudentEnrollment", seoa("1", "Female")),
    )
    (found,) = outcomes(path)
    assert isinstance(found, Mapped)
    assert flatten(found.record) == {
        "student.local_id": "1",
        "student.family_name": "Ñandú",
        "student.given_name": "Zoë",
        "student.birth_date": "2012-03-04",
        "student.sex": "female",
        "student.city": "Grand Bend",
        "guardian.1.name": "Ada Ñandú",
        "guardian.1.relationship": "MTH",
        "guardian.1.phone": "555-0100",
        "guardian.2.name": "Second Contact",
        "guardian.2.relationship": "FTH",
    }


def test_parents_of_earlier_versions_are_contacts(tmp_path: Path) -> None:
    old = CONTACTS.replace("ContactUniqueId", "ParentUniqueId").replace(
        "ContactIdentity", "ParentIdentity"
    )
    old = old.replace("ContactReference", "ParentReference")
    old = old.replace("StudentContactAssociation", "StudentParentAssociation")
    old = old.replace("<Contact", "<Parent").replace("</Contact>", "</Parent>")
    path = written(tmp_path, a=interchange("StudentParent", student("1") + old))
    places = ("Contact.1.Name.FirstName", "StudentContactAssociation.2.Relation")
    assert cells(path, *places) == [["Ada", "Father"]]


def test_two_answers_of_two_schools_hold_the_student(tmp_path: Path) -> None:
    both = seoa("1", "Female") + seoa("1", "Male")
    path = written(tmp_path, a=interchange("Student", student("1") + student("2") + both))
    held, mapped = outcomes(path)
    assert isinstance(held, Held)
    assert isinstance(mapped, Mapped)
    assert "several different things" in str(held.reasons[0])


def test_a_school_left_counts_only_when_there_is_no_other(tmp_path: Path) -> None:
    def at(school: str, left: str = "") -> str:
        identity = f"<SchoolIdentity><SchoolId>{school}</SchoolId></SchoolIdentity>"
        gone = f"<ExitWithdrawDate>{left}</ExitWithdrawDate>" if left else ""
        reference = f"<SchoolReference>{identity}</SchoolReference>"
        return f"<StudentSchoolAssociation>{of('1')}{reference}{gone}</StudentSchoolAssociation>"

    place = "StudentSchoolAssociation.SchoolReference.SchoolIdentity.SchoolId"
    moved = student("1") + at("10", "2026-01-01") + at("20")
    assert cells(written(tmp_path, a=interchange("Student", moved)), place) == [["20"]]
    gone = student("1") + at("10", "2026-01-01") + at("20", "2026-02-01")
    (tmp_path / "edfi" / "a.xml").write_text(interchange("Student", gone), encoding="utf-8")
    assert cells(tmp_path / "edfi", place) == [[SEVERAL]]


@pytest.mark.parametrize(
    ("gone", "enrolled"), [((), ""), (("2026-01-01", ""), "true"), (("2026-01-01",), "false")]
)
def test_a_student_is_enrolled_while_one_school_is_not_left(
    tmp_path: Path, gone: tuple[str, ...], enrolled: str
) -> None:
    schools = "".join(
        f"<StudentSchoolAssociation>{of('1')}"
        + (f"<ExitWithdrawDate>{day}</ExitWithdrawDate>" if day else "")
        + "</StudentSchoolAssociation>"
        for day in gone
    )
    path = written(tmp_path, a=interchange("Student", student("1") + schools))
    assert cells(path, "StudentSchoolAssociation.@open") == [[enrolled]]


ENTITY = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + interchange("Student", "&b;")
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><a><Student>&e;</Student></a>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("no xml", "line 1: is no well-formed XML"),
        (interchange("Student", student("1"))[:-9], "is no well-formed XML"),
        (ENTITY, "document type"),
        (OUTSIDE, "document type"),
        (interchange("Student", "<a>" * 40 + "</a>" * 40), "nested more than 32 deep"),
        (interchange("Student", f"<Student>{'x' * 1_200_000}</Student>"), "longer than 1,000,000"),
        (interchange("Student", f"<Student>{'<a/>' * 30_000}</Student>"), "longer than 1,000,000"),
        (f'<a b="{"x" * 3_000_000}"><Student/></a>', "1,000,000|never ends"),
        ('<?xml version="1.0" encoding="bogus"?><a/>', "is no well-formed XML"),
        (interchange("Staff", "<Staff><X>1</X></Staff>"), "holds no Student (Staff)"),
    ],
    ids=range(11),
)
def test_bad_or_dangerous_xml_is_refused(tmp_path: Path, text: str, words: str) -> None:
    told = refusal(written(tmp_path, a=text))
    assert any(word in told for word in words.split("|"))
    assert "passwd" not in told


def test_utf16_xml_says_what_it_is_and_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.xml"
    text = '<?xml version="1.0" encoding="UTF-16"?>' + interchange("Student", student("1"))
    path.write_bytes(text.encode("utf-16"))
    assert cells(path, "Student.Name.FirstName") == [["Zoë"]]


# --- the API's JSON ---------------------------------------------------------------------------

ZOE = {"studentUniqueId": "1", "firstName": "Zoë", "lastSurname": "Ñandú"}
ZOE["birthDate"] = "2012-03-04"


def api(tmp_path: Path, **files: object) -> Path:
    folder = tmp_path / "api"
    folder.mkdir()
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_the_api_says_the_same_as_xml(tmp_path: Path) -> None:
    person = {"studentReference": {"studentUniqueId": "1"}}
    link = {**person, "contactReference": {"contactUniqueId": "92"}, "primaryContactStatus": True}
    link["relationDescriptor"] = f"{URI}RelationDescriptor#Mother"
    address = {"addressTypeDescriptor": f"{URI}AddressTypeDescriptor#Home", "city": "Grand Bend"}
    path = api(
        tmp_path,
        students=[ZOE],
        contacts=[{"contactUniqueId": "92", "firstName": "Ada", "lastSurname": "Ñandú"}],
        studentContactAssociations=[link],
        studentEducationOrganizationAssociations=[{**person, "addresses": [address]}],
        studentSchoolAssociations=[{**person, "schoolReference": {"schoolId": 255901001}}],
    )
    (found,) = outcomes(path, "edfi-api-json")
    assert isinstance(found, Mapped)
    flat = flatten(found.record)
    assert flat["student.school"] == "255901001"
    assert flat["student.city"] == "Grand Bend"
    assert (flat["guardian.1.name"], flat["guardian.1.relationship"]) == ("Ada Ñandú", "MTH")


def test_two_contacts_of_one_number_hold_the_student(tmp_path: Path) -> None:
    link = {
        "studentReference": {"studentUniqueId": "1"},
        "contactReference": {"contactUniqueId": "9"},
    }
    contacts = [{"contactUniqueId": "9", "firstName": name} for name in ("Ada", "Bo")]
    path = api(tmp_path, students=[ZOE], contacts=contacts, studentContactAssociations=[link])
    assert cells(path, "contacts.1.firstName", name="edfi-json") == [[SEVERAL]]


def test_lines_of_json_and_an_array_give_the_same_rows(tmp_path: Path) -> None:
    rows = [{**ZOE, "studentUniqueId": str(n), "note": 'a "}" in text \\'} for n in range(3_000)]
    path = api(tmp_path, students=rows)
    array = cells(path, "students.studentUniqueId", name="edfi-json")
    (path / "students.json").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert cells(path, "students.studentUniqueId", name="edfi-json") == array
    assert len(array) == 3_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("[", "ends in the middle"),
        ('[{"a": 1}', "ends in the middle"),
        ('[{"a": 1}] [', "no list of objects"),
        ('"text"', "no list of objects"),
        ("[1, 2]", "something else between its objects"),
        ('[{"a": }]', "no valid JSON"),
        ('[{"a": NaN}]', "a number that JSON does not have"),
        ('[{"a": 1, "a": 2}]', "says one name twice"),
        ('[{"a": "\\ud800"}]', "half of a surrogate pair"),
        ('[{"a": "\\u0000"}]', "NUL"),
        ("[" + '{"a":' * 70 + "1" + "}" * 70 + "]", "nested more than 64 deep"),
        ('[{"a": "' + "x" * 9_000_000 + '"}]', "more than 8,000,000"),
        ('[{"a": 1}]', "holds no students"),
    ],
    ids=range(14),
)
def test_bad_json_is_refused_with_the_object_and_no_value(
    tmp_path: Path, text: str, words: str
) -> None:
    told = refusal(api(tmp_path, other=text), "edfi-json")
    assert words in told
    assert len(told) < 200


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    path = api(tmp_path, students=[ZOE])
    (path / "students.json").write_bytes(b'[{"firstName": "Jos\xe9"}]')
    assert "is not UTF-8" in refusal(path, "edfi-json")
