//! The requests with which every demonstration starts, in the order of their ids.

use super::{ADMIN, BASIC, EQUIPMENT, MANAGER, TRAVEL, id};
use crate::records::requests::Priority::{self, High, Low, Normal};
use crate::records::requests::Request;
use crate::records::requests::RequestState::{self, Approved, Open, Rejected};

/// Title and description; process; owner and approver; priority, euros and state.
type Row = (&'static str, &'static str, usize, (usize, usize), (Priority, u32, RequestState));

const ROWS: [Row; 10] = [
    (
        "Train to Bergen for the harbour trial",
        "Two days on site with the sonar team, one night.",
        TRAVEL,
        (BASIC, MANAGER),
        (Normal, 420, Open),
    ),
    (
        "Second monitor for the test bench",
        "The bench has one screen for three instruments.",
        EQUIPMENT,
        (BASIC, MANAGER),
        (Low, 260, Open),
    ),
    (
        "Conference ticket: Ocean Sensing Days",
        "Giving a talk on calibration drift; hotel is paid by the organisers.",
        TRAVEL,
        (BASIC, MANAGER),
        (High, 780, Open),
    ),
    (
        "Customer visit in Valencia",
        "Acceptance of the second delivery with the port authority.",
        TRAVEL,
        (MANAGER, ADMIN),
        (High, 1150, Open),
    ),
    (
        "Torque wrench set for the workshop",
        "The old set failed its yearly calibration.",
        EQUIPMENT,
        (MANAGER, ADMIN),
        (Normal, 540, Open),
    ),
    ("Flight to Trondheim", "Replaced by a call.", TRAVEL, (BASIC, MANAGER), (Low, 310, Rejected)),
    (
        "Noise-cancelling headset",
        "Open-plan office, daily calls with the field team.",
        EQUIPMENT,
        (BASIC, MANAGER),
        (Normal, 190, Approved),
    ),
    (
        "Pressure chamber service contract",
        "Yearly service, offer of the maker attached to the order.",
        EQUIPMENT,
        (ADMIN, MANAGER),
        (High, 4900, Open),
    ),
    (
        "Supplier audit in Gdańsk",
        "Two auditors, three days, by ferry.",
        TRAVEL,
        (ADMIN, MANAGER),
        (Normal, 1320, Approved),
    ),
    (
        "Label printer ribbons",
        "Forty ribbons, enough for a year.",
        EQUIPMENT,
        (MANAGER, ADMIN),
        (Low, 220, Approved),
    ),
];

pub(super) fn requests() -> Vec<Request> {
    ROWS.into_iter()
        .map(|(title, description, process, (owner, approver), (priority, euros, state))| Request {
            title: title.to_owned(),
            description: description.to_owned(),
            process: id(process),
            owner: id(owner),
            approver: id(approver),
            priority,
            amount_eur: Some(euros),
            state,
        })
        .collect()
}
