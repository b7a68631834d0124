"""OneRoster and School Data Sync exports of invented people, as texts of CSV files by name."""

# A OneRoster 1.2 export: invented people; the parent names the child, or the child the parent.
ONEROSTER_12 = {
    "manifest": "propertyName,value\noneroster.version,1.2\nfile.users,bulk\n",
    "users": (
        "sourcedId,status,enabledUser,givenName,familyName,identifier,phone,agentSourcedIds,"
        "grades,password\n"
        't1,active,true,Tess,Teacher,,,,,"P@ss"\n'
        's1,active,true,Zoë,"Ñandú, Jr",100234,,"p1,x9",07,\n'
        "s2,tobedeleted,true,Bo,Example,100235,,,08,\n"
        "p1,active,true,Ada,Ñandú,,555-0100,,,\n"
        "p2,active,true,Cy,Example,,555-0101,s2,,\n"
        "x9,active,true,Aunt,Ñandú,,555-0102,s1,,\n"
    ),
    "roles": (
        "sourcedId,userSourcedId,roleType,role,orgSourcedId\n"
        "r1,s1,primary,student,o2\nr2,s1,secondary,student,o3\nr3,s2,primary,student,o3\n"
        "r4,p1,primary,parent,o1\nr5,p2,primary,guardian,o1\nr6,x9,primary,relative,o1\n"
        "r7,t1,primary,teacher,o2\n"
    ),
    "demographics": (
        "sourcedId,birthDate,sex,asian,white\ns1,2012-03-04,female,true,false\n"
        "s2,2011-01-01,unspecified,false,true\n"
    ),
    "orgs": (
        "sourcedId,name,type,identifier\no1,District,district,D\no2,North,school,N\n"
        "o3,South,school,S\n"
    ),
}
# The same kind of export in version 1.1: role and schools stand in users.csv.
ONEROSTER_11 = {
    "users": (
        "sourcedId,enabledUser,orgSourcedIds,role,givenName,familyName,identifier,agentSourcedIds\n"
        's1,true,"o1,o2",student,Zoë,Ñandú,100234,p1\n'
        's3,true,"o2,o3",student,Two,Schools,100236,\n'
        "p1,true,o1,parent,Ada,Ñandú,,\n"
    ),
    "demographics": ONEROSTER_12["demographics"],
    "orgs": ONEROSTER_12["orgs"],
}
# A 1.2 export that leaves schools and grades to the classes: s1 to s6 say how far that goes.
ONEROSTER_CLASSES = {
    "users": (
        "sourcedId,status,enabledUser,givenName,familyName,identifier,grades\n"
        "s1,active,true,One,School,1,\ns2,active,true,Two,Schools,2,08\n"
        "s3,active,true,Two,Grades,3,\ns4,active,true,Mixed,Class,4,\n"
        "s5,active,true,Own,Words,5,10\ns6,active,true,No,Class,6,\n"
    ),
    "roles": (
        "sourcedId,userSourcedId,roleType,role,orgSourcedId\n"
        "r1,s1,primary,student,o1\nr2,s2,primary,student,o1\nr3,s3,primary,student,o1\n"
        "r4,s4,primary,student,o1\nr5,s5,primary,student,o3\nr6,s6,primary,student,o1\n"
    ),
    "classes": (
        "sourcedId,status,title,grades,schoolSourcedId\n"
        'c1,active,Art,09,o2\nc2,active,Band,"09,10",o2\nc3,active,Chess,10,o3\n'
        "c4,active,Drama,,o2\nc5,active,Ethics,07,o2\n"
    ),
    "enrollments": (
        "sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role,primary\n"
        "e1,active,c1,o2,s1,student,\ne2,active,c2,o2,s1,student,\n"
        "e3,tobedeleted,c3,o3,s1,student,\ne4,active,c3,o3,s1,proctor,\n"
        "e5,active,c1,o2,s2,student,\ne6,active,c3,o3,s2,student,\n"
        "e7,active,c1,o2,s3,student,\ne8,active,c5,o2,s3,student,\n"
        "e9,active,c2,o2,s4,student,\ne10,active,c4,o2,s4,student,\n"
        "e11,active,c1,o2,s5,student,\n"
    ),
    "demographics": (
        "sourcedId,birthDate,sex\n" + "".join(f"s{n},2012-03-0{n},female\n" for n in range(1, 7))
    ),
    "orgs": ONEROSTER_12["orgs"],
}
# School Data Sync v1 with its two files of guardians, as Microsoft's page "Parent and Guardian Sync
# File Format" lays them out: in the relation the SIS ID is the student's, Email the adult's key.
SDS_V1 = {
    "School": "SIS ID,Name,School Number\n10,North,N10\n",
    "Student": (
        "SIS ID,School SIS ID,First Name,Last Name,Grade,Status,Birthdate,Password\n"
        "1,10,Zoë,Ñandú,7,Active,3/4/2012,P@ss\n2,10,Bo,Example,8,Active,1/2/2011,P@ss\n"
        "3,10,Di,Example,8,Active,1/3/2011,P@ss\n"
    ),
    "User": (
        "Email,First Name,Last Name,Phone,SIS ID\n"
        "ada@example.org,Ada,Ñandú,555-0100,\ncy@example.org,Cy,Example,,\n"
        "eve@example.org,Eve,Aunt,555-0102,\n"
    ),
    "Guardianrelationship": (
        "SIS ID,Email,Role\n1,ADA@example.org,Parent\n1,eve@example.org,Relative\n"
        "1,cy@example.org,\n2,cy@example.org,Guardian\n2,ada@example.org,Parent\n"
        "2,cy@example.org,guardian\n9,eve@example.org,Parent\n"
    ),
}
