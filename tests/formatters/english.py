"""Six English posts written for these tests, each with what must and must not come out of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    title: str
    html: str
    headline: str
    facts: tuple[str, ...]
    absent: tuple[str, ...]


POSTS = (
    Example(
        title="BREAKING: Harbour bridge closed after barge strikes pier | Port Herald News",
        html="<p>PORT ELLAN: The harbour bridge was closed on Tuesday after a barge struck its second pier, the port "
        "authority said. No one was hurt. However, 14,000 drivers who cross it every day must use the tunnel until "
        "Friday. It remains to be seen how the city will cope.</p><p>Engineers found a crack of 2.5 metres in the "
        "pier. Repairs will cost $3.2 million, the U.S. Coast Guard office said.</p>"
        "<p>Also read: Ten bridges to visit this summer</p><p>Follow @portherald for updates</p>",
        headline="Harbour bridge closed after barge strikes pier",
        facts=("14,000 drivers", "$3.2 million"),
        absent=("Also read", "Follow @", "PORT ELLAN", "remains to be seen"),
    ),
    Example(
        title="Council votes to keep night buses running",
        html="<h2>Decision</h2><p>The council voted 31 to 12 to keep the night buses. It will pay 640,000 euros a year "
        "for six lines. In this article, we look at what that means.</p><h2>What changes</h2><ul>"
        "<li>Line N4 will run every 20 minutes from 3 March</li><li>Costs</li><li>Fares stay at 2.80 euros</li></ul>"
        "<p>Experts believe that it plays a crucial role for the city.</p><p>Photo: Council press office</p>",
        headline="Council votes to keep night buses running",
        facts=("31 to 12", "20 minutes"),
        absent=("In this article", "Photo", "Costs", "crucial role"),
    ),
    Example(
        title="Vaccine maker reports first profit in four years - The Daily Ledger",
        html="<div>(PTI) The company earned 18 million pounds in the second quarter, its first profit in four years. "
        "Sales rose 7% to 410 million pounds. “We sold more than we had planned. Orders are full until May,” the "
        "finance chief said. In addition, the board approved a dividend of 3 pence. Click here for the full story."
        "</div>",
        headline="Vaccine maker reports first profit in four years",
        facts=("18 million pounds", "410 million pounds"),
        absent=("Click here", "(PTI)", "In addition"),
    ),
    Example(
        title="Storm cuts power to the northern islands",
        html="<p>A storm cut power to 8,300 homes on the northern islands on Sunday night, and crews from three "
        "companies worked through the morning to bring it back, while ferries stayed in port because waves reached "
        "six metres. Gusts of 141 km/h were measured at Cape Orra. Schools will stay closed on Monday. Dr. A. Holm of "
        "the weather office expects calm by Tuesday, Jan. 14.</p>",
        headline="Storm cuts power to the northern islands",
        facts=("8,300 homes", "141 km/h"),
        absent=(),
    ),
    Example(
        title="URGENT - Recall of baby food over metal pieces",
        html="<table><tr><th>Product</th><th>Batch</th></tr><tr><td>Carrot 120 g</td><td>L2207</td></tr>"
        "<tr><td>Pear 120 g</td><td>L2209</td></tr><tr><td>Contact</td><td>020 7946 0000</td></tr></table>"
        "<p>The maker recalls two batches of baby food. Pieces of metal were found in 3 of 200 jars. Shops will give "
        "the money back. Subscribe to our newsletter for recalls.</p>",
        headline="Recall of baby food over metal pieces",
        facts=("3 of 200 jars", "Carrot 120 g: L2207"),
        absent=("newsletter", "Contact"),
    ),
    Example(
        title="",
        html="<h1>Museum opens its cellar to the public</h1><p>The museum opened its cellar on Saturday. 1,250 people "
        "came. They saw 400 paintings that had never been shown. Moreover, entry is free until 30 June. All rights "
        "reserved.</p>",
        headline="Museum opens its cellar to the public",
        facts=("1,250 people", "Entry is free until 30 June"),
        absent=("rights reserved", "Moreover"),
    ),
)
