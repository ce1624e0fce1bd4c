"""Holds saved calendars against python3-icalendar: ical.py FOLDER.

broken.ics must be found at fault, every other file must not.
"""
import pathlib
import sys

import icalendar


def faults(text):
    said = []
    try:
        calendar = icalendar.Calendar.from_ical(text)
    except ValueError as wrong:
        return [str(wrong)]
    for part in calendar.walk():
        said += [f"{name}: {why}" for name, why in part.errors]
        if part.name == "VEVENT":
            said += [f"no {name}" for name in ("UID", "DTSTAMP", "DTSTART", "DTEND") if part.get(name) is None]
    return said


failed = passed = 0
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.ics")):
    said = faults(file.read_bytes())
    if bool(said) == (file.name == "broken.ics"):
        passed += 1
    else:
        failed += 1
        print(f"  FAIL {file.name}: {said or 'accepted'}")
print(f"{'FAIL' if failed else 'ok  '}  iCalendar (python3-icalendar): {passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
