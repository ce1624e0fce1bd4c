package marketplace

// The columns of a file of offers, in the order in which they are written;
// ImportHelp says what each holds.
var (
	sheetColumns = []string{
		"title", "summary", "category", "access_route", "age_from", "age_to", "ratio", "setting", "postcode", "address", "place_access",
		"instant", "publish", "personal_care", "transport", "needs", "access_features", "languages", "included", "to_bring", "eligibility",
		"introduction", "notice_minutes", "horizon_days", "companions",
		"option", "who_may_use", "at_ratio", "valid_from", "valid_to", "payment", "billed_on", "sells",
		"charge_kind", "price_unit", "price", "components", "reduced_price", "reduced_components", "basis", "rate", "minimum_minutes",
		"step_minutes", "step_mode", "only", "optional", "event", "nth_child", "long_stay", "cap", "cost_shares", "minutes_with_child",
		"payee", "vat", "vat_reason", "json",
		"free_until_hours", "late_fee_percent", "cancellation", "cancellation_reasons", "waived_if_refilled", "partial_paid", "credit_days", "credit_siblings",
		"days", "from", "to", "first_date", "last_date", "rule", "dates", "except", "calendar", "skip_bank_holidays", "places",
		"staff_units", "minimum_places", "decide_hours_before", "confirm_early",
		"bundle_name", "bundle_dates", "bundle_span",
		"minimum_visit", "maximum_visit", "visit_step", "buffer_before", "buffer_after", "lanes",
	}
	requiredColumns = []string{"title", "summary", "category", "access_route", "age_from", "age_to", "ratio", "setting", "postcode", "price_unit", "price"}

	// Columns of a row below its offer: another price option or charge, and
	// other dates.
	priceColumns = sheetColumns[25:56]
	dateColumns  = []string{"date", "first_date", "last_date", "dates", "except", "valid_from", "valid_to"}
	clockColumns = []string{"from", "to"}
	ratioColumns = []string{"ratio", "at_ratio"}
	seriesCells  = []string{
		"days", "from", "to", "first_date", "last_date", "rule", "dates", "except", "calendar", "skip_bank_holidays", "places",
		"staff_units", "minimum_places", "decide_hours_before", "confirm_early",
	}
)

// ImportHelp says what a file of offers looks like.
const ImportHelp = `A file of offers is CSV in UTF-8 or an Excel workbook (.xlsx) with one sheet, at most
5,000 rows and 5 MB. The first row names the columns, in any order; those marked * must be
there. A column that does not apply to an offer is left empty. shortbreaks export offers
writes the same format. Ids, photos, bookings, answers, past dates and the names of workers
are not part of a file. Dates come out one by one or by the day of the week, whatever rule
or calendar they were made with.

One offer a row. A row without a title belongs to the offer above: another price, another
charge of the price above, or other dates; only the columns of the price and the dates, with
their places, staff and minimum, are filled in there. In a list, a text with a semicolon stands in "double quotes".

The offer
  title*, summary*      what it is, in words
  category*             club, holiday_scheme, support_worker, overnight, swimming, ...
  access_route*         universal, targeted or specialist
  age_from*, age_to*    whole years
  ratio*                staff to children: 1:3
  setting*, postcode*   the place; a name and postcode used before is the same place
  address, place_access lines of the address; access in words; both of a new place only
  instant               yes: booked at once; no: you accept each request (no)
  publish               yes: on sale at once; no: a draft (no). What is paused or withdrawn
                        is written as no
  personal_care         yes: washing, dressing, toilet or feeding are part of it (no)
  transport             yes: your child can be fetched or brought home (no)
  needs, access_features, languages   lists: autism; epilepsy
  included, to_bring    lists of lines: Lunch; All art materials
  eligibility           who may come, if not what the access route says
  introduction          needed: booked only for children you have met and accepted; first_visit:
                        the visit by which you meet
  notice_minutes, horizon_days   the latest and the earliest it can be booked
  companions            who may come along to its sessions, and the places each takes, 0 to 5:
                        sibling 1; carer 0; personal_assistant 0

The price. With only price_unit and price it is one price for anyone.
  price_unit*           hour, session, half_day, day, night, item, month, year, mile; week,
                        half_term, term or quarter for a bundle of all the dates
  price*                pounds for one unit: 12.50
  components            what the price is made of: staff 9.00; premises 5.50; subsidy -2.00 A grant
  charge_kind           place, support, meal, transport, travel, equipment, membership, late,
                        disturbance or other (support for a price by the hour, else place)
  reduced_price         pounds, for families entitled to a reduced rate; all else alike
  reduced_components    what that price is made of
  option                the name of a price ("Standard"); given in a row below, it begins
                        another price, and left empty there it is another charge of this one
  who_may_use           anyone, reduced_rate, members of NAME, contract REFERENCE or
                        funded_place SCHEME (anyone)
  at_ratio              only for support at this ratio: 1:2
  valid_from, valid_to  dates of service: 2027-01-04
  payment               arrears; at_booking; advance 7 by month (occasion, week, month,
                        whole); deposit 20.00 balance 14; deposit 25% balance 14 (arrears)
  billed_on             booked or attended (booked)
  sells                 block 10 in 26 weeks; membership 12 months
  basis                 per_child, per_attendee, per_family or per_group 4, the fewest who
                        share it (per_child)
  rate                  how the price of a unit changes. By day and time, the first that
                        fits: mon-fri 20:00-07:00 24.00; sun x1.5; bank_holidays x2, with
                        split:, whole_by_start: or whole_by_start_or_end: before it and
                        Night = before a window to give it a name. By length in minutes:
                        lengths: 60 = 12.00; 120 = 20.00. By volume: week part: 10 = 22.00
                        (or month; part or whole). ratios: 1:1 = 30.00; 1:2 = 18.00.
                        percent: 12.5% of support. instead: from 480 = 120.00; after
                        disturbance more than 2 = 140.00
  minimum_minutes, step_minutes   how time is charged by the hour
  step_mode             up, nearest or exact (up)
  only                  charged only when the start falls in: sat sun 08:00-12:00
  optional              yes: only if the family asks for it (no)
  event                 charged only if it happens: late_pick_up; late_pick_up every 15
  nth_child             2 = 10% that_child; 3 = 20% every_child
  long_stay             from so many nights: 7 = 10%; 14 = 15%
  cap                   the most: 40.00, or 40.00 per week (month, booking)
  cost_shares           who bears it: charity 40%; health 35% up to 20.00; buyer rest
  minutes_with_child    in one unit, if fewer than the time charged
  payee                 who else is paid
  vat, vat_reason       exempt, zero, standard or outside_scope (exempt)
  json                  a Charge or PriceOption as the API has it, for what is rarer still;
                        other columns of the price are left empty then

Cancelling. Give the two plain figures, or cancellation.
  free_until_hours      cancelling is free until so many hours before the start
  late_fee_percent      the part of the price charged after that
  cancellation          flexible, day_before, two_days, week_before or no_refund; or own
                        steps: 14 days free; 48 hours 50%; 0 hours 10.00 (hours, days,
                        clear_days, working_days, clear_working_days)
  cancellation_reasons  ill: 2 hours free, 0 hours 50%; hospital: 0 hours free
  waived_if_refilled    yes: nothing to pay if the place is taken again (no)
  partial_paid          booked or attended, for leaving early (booked)
  credit_days           what a family paid itself comes back as a credit for so many days
  credit_siblings       yes: brothers and sisters may use it too (no)

When. A row with places is a group with sessions; a row with lanes is support by the hour.
  days                  mon tue wed thu fri sat sun, or mon-fri
  from, to              times of day: 16:00
  first_date, last_date of sessions: 2027-01-09
  rule                  instead of days: FREQ=MONTHLY;BYDAY=2SA;COUNT=6, from first_date
  dates                 instead of both: 2027-01-09; 2027-01-23. later: a draft without dates
  except                2027-02-20; 2027-02-27
  calendar              term_time NAME or holidays NAME, of a school or an authority
  skip_bank_holidays    yes or no (no)
  places                in each session
  staff_units           staff, beside the places, for children who need one or more to
                        themselves; empty sets no limit
  minimum_places        the session runs only if so many places are taken, 2 or more; needs
                        instant. A session that is sure to run is written without
  decide_hours_before   how long before its start that is decided; of a bundle, before its first
  confirm_early         yes: as soon as so many are taken (no)
  bundle_name           what a week, half term, term or quarter is called
  bundle_dates, bundle_span   how many dates its price is for, and its days, if not those
                        listed: 13; 2027-01-04 to 2027-03-28
  minimum_visit, maximum_visit, visit_step, buffer_before, buffer_after
                        minutes, of support by the hour at a time the family chooses
  lanes                 who gives it, one at a time each: Worker A; Worker B. A name used
                        before is the same worker; a second one of that name is Worker A #2

In CSV a cell may not begin with =, +, -, @ or a tab: a spreadsheet would take it for a
formula. Put an apostrophe before it ('+44 Club); it is taken away again. An .xlsx file may
hold no formulas and no macros. Nothing is imported unless every row can be.
`
