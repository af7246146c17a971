#include "bench/officer_words.h"

/* In the order of an attempt's fields: household, relationships, phones_seen, contacts, safeguarding, next_step, accommodation,
 * household, relationships, vehicle, contacts, safeguarding. */
static const char *const edits[OFFICER_DAY_EDITS] = {"lives alone since his brother moved out in January",
                                                     "says he is single; no sign of anybody staying over",
                                                     "Samsung A14 and a Lenovo tablet, both unlocked for us",
                                                     "mother in Ely by phone on Sundays, nobody else named",
                                                     "no children at the address, none visit according to him",
                                                     "ask the landlord about the side door and who has keys",
                                                     "rented ground floor flat, tenancy runs until September",
                                                     "cat is the neighbour's, comes in by the bin store",
                                                     "met a Karen at the walking group, does not know surname",
                                                     "no vehicle, cycles to work, bike seen in the hall",
                                                     "new number for his sister: ends 417, works nights",
                                                     "window overlooks the primary school's rear gate",
                                                     "wife, mother-in-law (82) and a lodger called Piotr",
                                                     "married 19 years, wife knows and was in the room",
                                                     "iPhone 11, old Nokia in the drawer without a SIM",
                                                     "attends St Luke's; the vicar is aware of the conviction",
                                                     "granddaughter, 6, was collected before we came",
                                                     "written agreement about visits to be signed by both",
                                                     "own house, mortgage; loft being converted by a friend",
                                                     "lodger leaves on the 28th, room will not be let again",
                                                     "argues with stepson about money, police called 14 Feb",
                                                     "grey Skoda Octavia, insured, two child seats removed",
                                                     "employer's HR has asked for a letter, he will bring it",
                                                     "social worker Ms Adeyemi, monthly, next Thursday",
                                                     "shared house, five rooms, kitchen and bath in common",
                                                     "female friend has stayed three nights, name withheld",
                                                     "Xbox with online chat, account name written down",
                                                     "probation every second Tuesday, has missed none so far",
                                                     "room 4 has her son (9) here at weekends",
                                                     "bring the digital examiner, he agreed to a full download",
                                                     "notice to quit received, must be out by Easter weekend",
                                                     "room 2 now empty, room 5 a student from Coventry",
                                                     "girlfriend ended it by text, low but not in danger",
                                                     "sold the van to a man in Wisbech, papers shown",
                                                     "started agency work at the cold store, shifts vary",
                                                     "housing officer told today of the risk in that house"};

static const char *const notes[OFFICER_DAY_NOTES] = {
    "Door answered after the second knock. He was in his work clothes and invited us in unasked. Flat tidy, curtains "
    "open. "
    "He offered us his phone before we mentioned it and its code. Nothing found in messages or in pictures.",
    "Talked about the job at the garden centre: three mornings a week, unloading. His supervisor knows. Two school "
    "parties "
    "come every spring and he has asked to be on deliveries those days. I will confirm that with the manager.",
    "Browser history on the tablet goes back only six days. He says it clears itself. PC Hadley checked the setting "
    "and it "
    "was on automatic. Not satisfied; seized nothing, but want it looked at properly next time.",
    "He raised the conditions: would like to see his nephews at Christmas with his sister present. Explained that it "
    "is "
    "not for us to allow and that he should write to his offender manager before October.",
    "Left at ten to eleven. Drinking: four cans at weekends, he says, sleeping badly since the council's letter. Gave "
    "him "
    "the number of the surgery again. No change to the assessment from me today, next visit unannounced.",
    "Wife let us in and stayed. He came down from the loft in plaster dust. Both relaxed, kettle on. She said the "
    "family "
    "in number nine has asked questions since the newspaper piece and somebody put a note through the door.",
    "Note photographed and bagged, handwriting in green biro, no name or date. They don't want it taken further; told "
    "them "
    "it will be recorded. Explained what to do if there is another, and that they can ask for a marker on the house.",
    "Toys in the front room are the granddaughter's. He was clear that she is never left with him and gave dates for "
    "the "
    "last three visits. Her father confirmed this by phone while we were there, and meant it.",
    "Nokia in the drawer has no SIM and a flat battery, and he thought it was gone. Charged it from my pack: last call "
    "in "
    "2019, eleven contacts, all family. Left with him. The iPhone matches what was declared, same IMEI.",
    "He asked if retirement changes reporting. No. Talked about what he will do with his days, and he has thought "
    "about "
    "it: allotment, the church's accounts, walking. Wife less sure. Suggest that we speak with her alone once.",
    "Let in by another tenant, a young woman we hadn't met, called Bea. He was in the kitchen cooking for three. The "
    "house "
    "is noisy and people come and go; spoke in his room with the door shut. Smell of cannabis on the landing.",
    "Xbox: friends list of forty, several who look like teenagers. He says he only plays football. Chat log can't be "
    "seen "
    "on the console. Wrote down the account, explained why, and he became rather short with both of us.",
    "The boy at weekends is my main concern. He says he is at his brother's from Friday, but the wife there said "
    "otherwise. Asked for train tickets; he found one, from the 7th. For the sergeant, tonight.",
    "Break-up: cried at the table, then apologised to PC Hadley. Asked directly about harming himself: no, with "
    "reasons. "
    "Agreed that I would ring on Wednesday. Has the mentor's number and promised he would use it. Told the duty desk.",
    "Housing: the landlord wants everyone out for building works. The council has put him in band C, which means a "
    "hostel. "
    "Neither Mill Road nor the one by the station will do. Offender manager needs to hear this today, not next week."};

const char *officer_edit(size_t number)
{
    return edits[number % OFFICER_DAY_EDITS];
}

const char *officer_note(size_t number)
{
    return notes[number % OFFICER_DAY_NOTES];
}
