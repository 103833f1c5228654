// Raw material of lines.ts: common words of many scripts, fragments of code, emoji, marks.

/** Common words by language, chosen for their letters: diacritics, digraphs, final forms. */
export const languages: Record<string, string> = {
  english:
    "the of and water harbour while under question seven morning without letter through garden window because little answer enough tomorrow neither bridge yellow machine weather",
  german:
    "über Straße größer möchte Äpfel während fünf schön Maßstab Öl Übung heißt Donaudampfschiff täglich müde Jahr gewiß Käse",
  french:
    "été où garçon l'œuvre façade naïve déjà forêt aujourd'hui qu'il Noël maïs sœur ça bientôt hôtel château événement",
  spanish: "mañana niño ¿cómo? ¡ahora! pingüino corazón después jamás español árbol según así",
  portuguese: "coração não ação irmã pôr você três avó manhã português às maçã",
  czech: "žluťoučký kůň řeka ďábel tučňák příliš úřad měsíc čtvrtek šňůra",
  polish: "źdźbło łódź święto gęś ćma jeść wąż śnieg dżdżownica późno",
  hungarian: "őrült tükörfúrógép árvíztűrő út fűszer szőlő különböző",
  turkish: "ışık İstanbul çiçek ğ şeker öğretmen güzel yağmur sığ kırmızı",
  icelandic: "þú ætti Ísland öðruvísi þorskur ávallt fjörður",
  vietnamese: "tiếng Việt người không được nước trường Nguyễn những đường một ngày",
  latvian: "ķērpis ģimene ņemt žēl jūra šķūnis ērglis",
  cyrillic: "вода быстрый ёлка подъезд щенок объявление язык сегодня Москва ещё чувство жизнь",
  ukrainian: "їжак ґанок мій п'ять Київ життя щастя літо ніч",
  serbian: "љубав њива џеп ћуприја ђак шума ветар",
  greek: "θάλασσα ἄνθρωπος ψυχή ελληνικά Αθήνα ώρα ξέρω λόγος ὕδωρ ΐ ϋ τέλος",
  arabic: "السلام مرحبا كتاب مَدْرَسَة شُكْرًا الماء يوم لا إله ٱلْعَرَبِيَّة ٢٠٢٤ سنة",
  persian: "سلام می‌خواهم کتاب‌ها پنجره گربه چهار ژاله",
  hebrew: "שלום מים ספר בְּרֵאשִׁית ירושלים ילדה תודה לילה ץ",
  devanagari: "नमस्ते पानी क्षत्रिय विद्यालय ज्ञान श्री हिन्दी किताब १२३ प्रश्न",
  bengali: "বাংলা জল নদী ধন্যবাদ ক্ষমা বৃষ্টি ৪৫",
  tamil: "தமிழ் நீர் வணக்கம் மொழி பள்ளி கொக்கு",
  thai: "สวัสดี น้ำ ภาษาไทย กรุงเทพมหานคร ผู้ใหญ่ เก้า ๕๖",
  khmer: "ភាសាខ្មែរ ទឹក អរគុណ",
  georgian: "გამარჯობა წყალი ქართული მადლობა ბავშვი",
  armenian: "ջուր բարեւ հայերեն շնորհակալություն և",
  amharic: "ሰላም ውሃ አማርኛ መጽሐፍ",
  chinese: "水 你好 世界 我們 图书馆 一二三 學習 龘 今天天气很好 因为 所以",
  japanese: "水 こんにちは ありがとう カタカナ ｶﾞｷﾞ 東京都 学校 食べました ヴァイオリン ー",
  korean: "물 안녕하세요 한국어 학교 감사합니다 닭 값 읽다 ㅋㅋㅋ 가나다",
  rare: "𐍈𐌿𐍄 𝔉𝔯𝔞𝔨𝔱𝔲𝔯 𝒳 𓀀𓂀 𠮷野家 ꙮ ᚠᚢᚦ ⰀⰁ 𞤀𞤁",
};

/** Lines of code; `#` stands for a number, `@` for a name. */
export const code: string[] = [
  "def @(self, @: int = #) -> list[str]:",
  "    return [f'{@!r}' for @ in range(#) if @ % # == 0]",
  "const @ = async ({ @, @ = # }) => { await @?.@(`$" + "{@}-#`); };",
  "std::vector<std::unique_ptr<@>> @{#}; // @ -> @",
  "template <typename T, std::size_t N> constexpr auto @(T (&@)[N]) noexcept;",
  "fn @<'a>(@: &'a mut [u8; #]) -> Result<Option<&'a str>, Box<dyn Error>> {",
  "SELECT @, COUNT(*) AS @ FROM \"@\" WHERE @ >= # AND @ LIKE '%@%' GROUP BY 1;",
  '<div class="@ @--#" data-@=\'#\'><a href="#@">@ &amp; @</a></div>',
  '  @: { \'key\': [#, #.#e-#, null, true], "@": "\\u00e9\\n" },',
  "if [[ -n \"$@\" && $# -gt # ]]; then @ | grep -E '^@[0-9]{#,}$' >> /dev/null 2>&1; fi",
  "#include <@/@.h>\t/* @ */",
  "\tfor (int @ = 0; @ < #; ++@) { @[@] ^= 0x#ULL << #; }",
  "func (@ *@) @(ctx context.Context, @ ...string) (map[string]any, error) {",
  "  @ = lambda x: x**# if x != # else ~x & 0b1011  # @",
  '@import url("@.css"); .@:hover > #@::after { margin: -#px calc(#% - #rem) !important; }',
  "$$\\int_0^# \\frac{@(x)}{\\sqrt{#\\pi}}\\,dx \\leq \\sum_{i=#}^{n} @_i^{#}$$",
  '@ <- function(@, ...) @[["@"]] %>% filter(@ != #)',
  "| @ | # | `@` | **@** | ~~#~~ |",
  "main = do { @ <- getLine; mapM_ (putStrLn . show . (+#)) [1..#] } -- @",
];

/** Names for the code. */
export const names: string[] = [
  "value",
  "getElementById",
  "HTTPServer2",
  "_private",
  "snake_case_name",
  "kMaxSize",
  "i",
  "XMLHttpRequest",
  "__init__",
  "naïve",
  "foo123bar",
  "SCREAMING_CASE",
];

/** Emoji: plain, with variation selectors, skin tones, joiners, flags, keycaps, tags. */
export const emoji: string[] = [
  "😀",
  "❤️",
  "❤",
  "👍🏽",
  "👩🏿‍🚀",
  "👨‍👩‍👧‍👦",
  "🏳️‍🌈",
  "🇯🇵",
  "🇧🇷🇩🇪",
  "#️⃣",
  "1️⃣",
  "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
  "🧑🏻‍🤝‍🧑🏾",
  "☃️",
  "🤷‍♀️",
  "🫠",
  "♾",
  "✈︎",
];

/** Marks that combine with the letter before: accents, enclosures, stacked ones, Indic, Thai. */
export const marks: string[] = [
  "\u0301",
  "\u0308",
  "\u0323",
  "\u20dd",
  "\u0489",
  "\u0337",
  "\u064e",
  "\u05b8",
  "\u093f",
  "\u0e49",
  "\u3099",
  "\u035c",
];

/** Spaces and line ends, the invisible ones included. */
export const spaces: string[] = [
  " ",
  "  ",
  "\t",
  "\n",
  "\r\n",
  "\r",
  "\u00a0",
  "\u2003",
  "\u3000",
  "\u200b",
  "\u2028",
  "\u2029",
  "\u0085",
  "\v",
  "\f",
  "\ufeff",
  "\u202e",
  "\u1680",
];

/** Punctuation and symbols of one or more characters. */
export const punctuation: string[] = [
  ...".,;:!?-_/\\|@#$%^&*+=~`'\"()[]{}<>",
  "...",
  "—",
  "–",
  "“",
  "”",
  "‘",
  "’",
  "«",
  "»",
  "„",
  "¿",
  "¡",
  "、",
  "。",
  "「",
  "」",
  "！",
  "؟",
  "۔",
  "।",
  "§",
  "¶",
  "†",
  "•",
  "№",
  "±",
  "×",
  "÷",
  "≠",
  "→",
  "∑",
  "√",
  "€",
  "£",
  "¥",
  "₹",
  "©",
  "™",
  "½",
  "²",
];

/** Look-alikes of special tokens: whole, cut, nested, in other cases. */
export const specials: string[] = [
  "<|im_start|>",
  "<|im_end|>",
  "<|endoftext|>",
  "<|im_start|>user\n",
  "<|im_start|>assistant",
  "<|im_start",
  "im_end|>",
  "<|im_<|im_start|>start|>",
  "<|IM_START|>",
  "<| im_end |>",
  "<repo_name>",
  "<reponame>",
  "<file_sep>",
  "<filename>",
  "<gh_stars>",
  "<issue_start>",
  "<issue_comment>",
  "<issue_closed>",
  "<jupyter_start>",
  "<jupyter_text>",
  "<jupyter_code>",
  "<jupyter_output>",
  "<jupyter_script>",
  "<empty_output>",
  "<s>",
  "</s>",
  "<unk>",
  "[INST]",
  "<0x0A>",
  "<|endoftext|><|endoftext|>",
];

/** Contractions, which pre-tokenizers split; straight and curly, lower and upper case. */
export const contractions: string[] =
  "I'm you're he's she'd they'll we've isn't can't I'M YOU'RE HE'S DON'T o'clock rock'n'roll it’s we’ll 'tis y'all'd've 's 'S 't'll d'accord 'RE".split(
    " ",
  );

/** Syllables of which words can be made up: they reach merges that real words leave out. */
export const syllables: string[] =
  "tion pre ment con ing ex able un der inter ous re pro com est ly graph micro tele phon bio log ist ism super sub trans form struct port scrib dict ven fer duc cap tain quer zy ph th str ough eigh wh ck sch tz ju vi ka ro mi lu xo by".split(
    " ",
  );
