"""What counts as filler, boilerplate, a pointer, a broken end: the measure's own patterns, Korean and English."""

import re

from benchmarks.condense.text import listed


def _any(*parts: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{part})" for part in parts), flags)


# -------------------------------------------------------------------------------------------------------- filler

FILLER_KO = _any(
    r"기대(?:됩니다|된다|됐|되고|되며|되는|합니다|한다|하고 있|해 ?봅|해 ?본다|를 모|가 (?:됩|모|크|큽|높|커"
    r"|쏠))|것(?:을|으로|이라) 기대|기대$",
    r"(?:중요한|중대한|핵심적인|핵심|결정적인|큰|소중한|새로운|좋은|귀중한|의미 있는|특별한) (?:역할|계기"
    r"|전환점|발판|기회|의미|요소|과제|의의|이정표|밑거름|디딤돌)",
    r"(?:역할|책임)을 (?:할|다할|다하|수행할|하게 될) 것|역할이 (?:중요|크|기대)",
    r"알아보(?:겠|도록|았|고|자)|알아봅|살펴보(?:겠|도록|았|고자|자)|살펴봅|소개(?:해 ?드리|하겠|하고자)",
    r"(?:분석|확인|정리|점검|논의|이야기)해 ?(?:보(?:겠|도록|고자|자)|드리)",
    r"안내(?:해 ?)?(?:드리|드립|합니다|하겠)|(?:이|본) 글(?:은|에서)|설명(?:해 ?)?드리|전해 ?드리",
    r"기여(?:할|하는|하게|될|합니다|한다|하고)|이바지",
    r"노력(?:하겠|할 것|해야|하고 있|을 (?:기울|다하|다할|아끼|이어|계속|지속)|이 (?:필요|계속|이어))",
    r"최선을 다|만전을 기|박차를 가",
    r"도움(?:이|을) (?:될|되|됩|된|줄|주)",
    r"(?:발판|토대|초석|밑거름|디딤돌|계기|기회|출발점)(?:이|가|로|으로|을|를) (?:될|되|됩|된|삼|마련|작용|제공|만들)",
    r"(?:필요|중요|시급|절실)(?:합니다|하다$|한 (?:시점|상황|과제|일|때)|해 보|해질|성이|성을|함을)|필요가 있",
    r"(?:해야|되어야|돼야) (?:할 것입|할 것이다|합니다|한다$|할 때)",
    r"바랍니다|바란다$|바라봅|희망합니다|응원합니다|감사합니다",
    r"주목(?:됩니다|된다|받고|할 (?:만|필요)|해야)|귀추|관심(?:이|을) (?:집중|쏠|높|모|필요|가지|끌)|이목이|눈길을 끌",
    r"지켜봐야|지켜보아야|두고 ?봐야|미지수|관건입니다",
    r"(?<!라는 )의미(?:가|를) (?:있|크|깊|갖|가지|지니)|의의가|뜻깊|시사(?:합니다|한다|하는 바)",
    r"(?:강화|증대|향상|개선|활성화|발전|확대|제고|도움|기여|영향을|변화를|주목|이어질|지속|계속|진행|고조"
    r"|마련|필요)[가-힣 ]{0,9} 것으로"
    r" (?:예상|전망|보입|보인|여겨|생각)",
    r"(?:기여|향상|강화|발전|제고|증진|높이|높여|이끌|자리 ?잡|거듭나|도움|활성화|이루어|만들어|보여|나아가"
    r"|이어질|이어갈|발돋움)[^.]{0,14} 것(?:입니다|이다)",
    r"(?:새로운|또 하나의) (?:지평|시대|도약|전기)|큰 (?:호응|인기|관심|힘|영향)(?!이 없)",
    r"(?:알|(?<!아)볼|즐길|느낄|경험할|확인할|얻을|기대할) 수 (?:있습니다|있다|있을 것)",
)
FILLER_EN = _any(
    r"remains? to be seen|(?:only )?time will tell|stay tuned|in today's (?:world|fast|digital)|as we all know",
    r"needless to say",
    r"plays? an? (?:crucial|vital|key|important|significant|pivotal) role",
    r"(?:significant|major|crucial|important) (?:step|milestone)\b",
    r"testament to|(?:highlights?|underscores?|stress(?:es)?) the (?:importance|need)|sheds? light on",
    r"pav(?:es?|ing) the way|game.?changer",
    r"let(?:'s|’s| us) (?:take|dive|look|explore|find)|we (?:will|shall) (?:explore|look|discuss|see)",
    r"in (?:conclusion|summary|this article)\b",
    r"(?:important|worth|interesting) (?:to note|noting|to remember)",
    r"(?:fans|viewers|readers|investors) are (?:eager|excited|waiting)",
    r"you won(?:'t|’t) (?:want|believe)|here(?:'s|’s) (?:what|everything|why|how|all)|all you need to know",
    r"what (?:you need|we know)",
    r"is (?:sure|bound|expected|likely|set) to (?:boost|enhance|contribute|help|strengthen|delight|impress)",
    r"hopes? (?:this|it) will help",
    r"welcome to our|refresh this page|scroll down|look no further|without further ado|who knows\b|make no mistake",
    flags=re.I,
)
# A number or a quotation makes a sentence more than padding.
ANCHOR = re.compile(r"\d|[\"“”][^\"“”]{4,}[\"“”]")

# --------------------------------------------------------------------------------------------------- boilerplate

BOILERPLATE_KO = _any(
    r"(?:빠르고 )?정확한 (?:뉴스|소식)를? ?원|생생한 뉴스|실시간 (?:뉴스|속보)|뉴스다오|바로 ?가기|클릭|여기를 눌러",
    r"출처\s*[:=|]|^\W*출처\W*$|출처 바로|자료 ?제공|제공\s*=|사진\s*[=:]|사진 ?제공|이미지 ?출처|\[사진|\(사진",
    r"^▲|캡처\s*[=)]",
    r"저작권|공공누리|무단 ?(?:전재|복제|배포)|재배포|라이선스|자유롭게 이용 가능|저작물",
    r"\(?0\d{1,2}[-)]\s?\d{3,4}-\d{4}|☎",
    r"[\w.+-]+@[\w-]+\.\w+|https?://|www\.|^\W*[\w-]+\.(?:kr|com|net|org)\W*$",
    r"[가-힣]{2,4} (?:기자|특파원)(?:\s*=|\s*$|\s+[\w.+-]+@)|기자\s*=|^\[?[가-힣]+=[가-힣]+\]?",
    r"문의(?:처|하시|해 ?주|하면|바랍| ?:)|자세한 (?:내용|사항|정보)(?:은|는)|참고(?:하시|해 ?주|하면|하기 바)",
    r"관련 ?(?:기사|글|링크)|더 ?보기|더 많은 (?:기사|소식|뉴스|정보[는를])",
    r"구독(?:하|과|을 )|(?:좋아요|댓글)\S{0,3} (?:눌러|클릭|남겨|부탁)|공유하기|팔로우|카카오톡 (?:채널|공유)",
    r"알림 ?설정|지금 바로",
    r"안녕하세요|(?:독자|시청자|구독자) 여러분|포스팅|블로그 (?:글|방문|이웃)",
)
BOILERPLATE_EN = _any(
    r"\balso read\b|\bread (?:more|also|next|full)\b|\brelated (?:stories|articles?|news|coverage)\b",
    r"you may also (?:like|be)|recommended for you",
    r"\bfollow (?:us|@|our)\b|follow \w+ on (?:x|twitter|facebook|instagram)\b|\bsubscribe\b|\bsign up\b",
    r"newsletter|download (?:the|our) app|join (?:our|us)",
    r"click here|tap here|watch (?:the video|here|live)|share (?:this|on|via)|print this|whatsapp channel",
    r"google news|(?:^|\W)tags?:",
    r"\b(?:photo(?:graphs?)?|image|picture|video|words|interview|text) ?(?:credits?|courtesy)?(?: by|:)\s",
    r"file photo|archive photo|getty images|shutterstock",
    r"(?:^|\()(?:AP|AFP|REUTERS|Reuters|PTI|ANI|UNS|IANS|Bloomberg|EPA)(?:\)|/|\s[-–—|])|\b(?:PTI|ANI|IANS)\b",
    r"^\W*source\s*:|all rights reserved|©|copyright|licen[cs]ing rights|trust principles|terms of (?:use|service)",
    r"first published",
    r"^(?:reporting|editing|writing|additional reporting|with reporting|compiled) (?:by|from)\b|editing by",
    r"not been edited by|syndicated feed|auto-generated",
    r"edited (?:and condensed )?for (?:clarity|length)",
    r"this (?:story|article) (?:has been|was|will be) (?:updated|corrected|edited)|last updated|updated:",
    r"[\w.+-]+@[\w-]+\.\w+|https?://|www\.|support (?:independent|our) journalism|readers like you",
    r"free to read|support us\b|become a member|^advertisement",
    r"scroll to continue",
    r"is a (?:freelance|senior|staff|former|contributing)[\w ]* (?:writer|reporter|editor|correspondent"
    r"|journalist)|is the author of|opens new tab",
    r"helpline|\b\d{3,4}-\d{3}-\d{4}\b|live-? ?blog|\bour (?:explainer|live coverage)\b",
    flags=re.I,
)
# Datelines and by-lines are told by their capitals, so this one part keeps its case.
DATELINE = re.compile(
    r"^(?:[A-Z][A-Z.'-]{2,}(?:[ /][A-Z][A-Z.'-]*)*)(?:, [A-Z]?[A-Za-z .]{2,20})?(?:,? [A-Z][a-z]{2,8}\.? \d{1,2})?"
    r"(?: ?\([A-Za-z ./-]{2,20}\))?\s*(?:[-–—?]|:)\s|^[A-Z]\w+(?: [A-Z]\w+)? ?\([A-Z]{2,8}\)\s*[-–—:]"
    r"|^By [A-Z]\w+|\bStaff Reporter\b|\s\|\s|^Jump to:?$"
)

# ------------------------------------------------------------------------------------------------------ dangling

# 이번 … names what the headline names, and 이 대통령 is a surname: neither dangles.
POINTER_KO = re.compile(
    r"(?:이는|이를|이에|이로|이로써|이로 인해|이와 (?:같|함께|관련|더불어|별도|달리)\S*|이런|이러한|이같은"
    r"|이같이|이처럼|이렇게|이것\S{0,2}|이들\S{0,2}|이곳\S{0,2}"
    r"|여기\S{0,2}"
    r"|이때\S?|이 (?:같은|중|가운데|때문에|밖에도?|외에도?|경우\S?|과정에서|자리에서|때|점\S?)|이 ?외에도?|이밖에도?"
    r"|이후|이어|이어서"
    r"|그는|그가|그의|그를|그에게|그녀\S{0,2}|그들\S{0,2}|그것\S{0,2}|그런|그러한|그 (?:결과|중|가운데|때|외"
    r"|뒤|후|이후|동안|이유\S?)|그러나|그런데|그리고|그래서"
    r"|그러면서|그렇지만|그럼에도"
    r"|또|또한|아울러|더불어|게다가|더욱이|나아가|더 나아가|뿐만 아니라|따라서|그러므로|하지만|반면|반면에"
    r"|다만|한편|즉|결국|결론적으로|특히|마지막으로|끝으로|먼저|우선"
    r"|첫째|둘째|셋째|넷째|첫 번째로|두 번째로|세 번째로|예를 들어|예컨대|이외에|때문에|당시|같은 (?:날|기간"
    r"|자리\S*)|동시에|뒤이어|왜냐하면|이유는|저희\S?|우리는)(?=[\s,]|$)"
    # Opens with a verb: what it says it of was left behind.
    r"|[가-힣]{2,}(?:하여|하며|하면서|되어|되며) "
)
DEMONSTRATIVE_KO = re.compile(r"(?:이|그|해당|동) (?P<noun>[가-힣A-Za-z0-9]+)")
TITLES_KO = re.compile(
    r"\S*(?:대통령|총리|장관|차관|대표|위원장|위원|의원|시장|지사|군수|교수|사장|회장|원장|총장|판사|검사|감독"
    r"|선수|부장|본부장|청장|실장|국장|과장|대변인|씨|후보|지검장|고검장|소장"
    r"|이사|박사|기자|작가|배우)"
    r"(?:은|는|이|가|의|도|을|를|와|과|에게|측\S?)?$"
)
POINTER_EN = re.compile(
    r"(?:he|she|they|it|its|his|her|hers|their|theirs|him|them|this|that|these|those|such)(?:'s|’s|'ll|’ll|'d|’d"
    r"|'re|’re|'ve|’ve)?\b"
    r"|(?:but|however|and|also|moreover|furthermore|additionally|meanwhile|therefore|thus|hence|so|then|yet|or"
    r"|nor|nevertheless|nonetheless|instead|besides|similarly"
    r"|likewise|consequently|accordingly|still|finally|lastly|firstly|secondly|thirdly|otherwise|rather"
    r"|conversely|indeed|in addition|as a result|in fact|in turn|in contrast|by contrast"
    r"|on the other hand|for (?:example|instance)|after that|before that|because of (?:this|that)"
    r"|at the same time|that said|the (?:former|latter)|there|here)\b(?!-)",
    re.I,
)
HARMLESS_EN = re.compile(
    r"it (?:is|was|will be|has been|would be|may be|took|takes|emerged|came|comes)(?: \S+){0,4} (?:that|to|for"
    r"|when|who|before|since|until)\b|there (?:is|are|was|were|will|has|have)\b"
    r"|(?:so far|so-called|still \w+ing|that is why|those (?:who|with|in)|such as|or else|then-\w+|it's official"
    r"|this (?:year|month|week|morning|afternoon|evening|spring|summer|autumn|winter|season|time))\b"
    r"|(?:they|he|she) who\b|instead of|rather than|besides \w+ing|also known",
    re.I,
)
DEMONSTRATIVE_EN = re.compile(r"(?:this|that|these|those|such|the same) (?P<noun>[A-Za-z][\w-]*)", re.I)
ASIDE_EN = re.compile(
    r"^[\"“].{4,}[,?!.][\"”] (?:he|she|they|it) (?:said|says|added|told|wrote|asked|writes|adds)\b", re.I
)

# ----------------------------------------------------------------------------------------------------------- cut

CONNECTIVE_KO = _any(
    r"며$|면서$|지만$|거나$|는데$|한데$|인데$|으나$|(?:했|됐|였|있|없)으나$",
    r"(?:하|되|있|없|않|이|했|됐|였|았|었|지|시키|주|받|다|라|자|냐|밝히|강조하|통해서|높이|늘리|줄이)고$",
    r"(?:하|되|있|않|이루어지)도록$|(?:하|되)(?:면|려고|고자|자마자)$|(?<!순)으로써$|으로서$|에서의$|까지의$",
    r"(?:^|[가-힣]{2})해서?$|(?:하여|되어|돼|위해|위하여|통해|통하여|대해|대하여|따라|인해|의해|비해|관련해|맞아|향해"
    r"|걸쳐|거쳐|포함해|비롯해|앞두고|바탕으로|중심으로|대상으로|이어)서?$",
    r"(?:위한|대한|따른|인한|의한|관한|통한|향한|비롯한|포함한|관련한|다양한|중요한|새로운|필요한|가능한|같은)$",
    r"(?:하|되|있|없|않|받|시키|오|가|지|이루어지|높이|나오)는$|(?:했|됐|있|하|되)던$",
    r"(?:된|될|했을|있을|없을|시킨|시킬|받은|받을)$|(?<![역분관])할$",
    r"^(?:및|또는|그리고|혹은|때문에|등의|등을|등이|등에|등과|것으로|것을|것이|것은|수|더|또|약|총|각)$",
    r"(?:것으로|때문에|뿐만|만큼|경우)$",
)
NOUNS_KO = re.compile(
    r"(?:마을|가을|노을|서울|을지로|[제권기북남시상하무방대]한|최소한|최대한|무제한|역할|분할|할인|보고서"
    r"|계획서|안내서|올해|이해|피해|새해|지난해|동해|서해|남해|방해|침해|재해|한해|견해|이를테면)$"
)
PARTICLES_KO = re.compile(r"(?:을|를|의|와|과|이|가|은|는)$")
BROKEN_KO = _any(
    r"(?:가능|불가능|필요|불필요|중요|다양|활발|심각|유명|풍부|충분|건강|안전|편리|저렴|우수|적합|유리|불리"
    r"|뚜렷|엄격|동일|유사|적절|특별|강력|막대|치열|원활|신속|정확|투명|공정|복잡"
    r"|유일|독특|깊|높|크|많|없|있)는?한다$",
    r"(?:^|\s)(?:없|있|아니|이|같)(?:는다|한다)$|(?:하|되)(?:었|였)$|습니$|입니$|합니$|됩니$|니다다$|다다$",
)
FUNCTION_EN = listed(
    "the a an of to in for and or with by at from that which who whose is are was were be been has have had will "
    "would its their his her my our your this these those as but if than into onto upon about between among during "
    "while because although though when where not no mr mrs ms dr prof gen col st rs sen rep gov"
)

# -------------------------------------------------------------------------------------------------------- markup

MARKUP = re.compile(
    r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>|<!--|&(?:[a-z]{2,8}|#\d{2,6}|#x[0-9a-f]{2,6});|\*\*|__|~~|\]\(|!\["
    r"|(?:^|\s)#{1,6}\s|^[-*+•·▲■□◆]\s|\|\s*:?-{2,}|\{[%{]|`|^\||\|$"
    r"|\S {2,}\S|(?:^|[\s(])\?\w|[A-Za-z]\?[A-Za-z]|\ufffd"
)
