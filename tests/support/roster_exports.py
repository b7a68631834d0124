"""OneRoster exports of invented people, as texts of CSV files by name."""

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
