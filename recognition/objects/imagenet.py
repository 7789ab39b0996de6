"""The words that people use for the thousand kinds of things that ImageNet's networks tell apart, in their order."""

# `dog*118`: so many kinds in a row have that word
_LISTED = """
fish*2; shark*3; ray*2; bird*18; salamander*5; frog*3; turtle*5; lizard*11; crocodile*2; dinosaur; snake*17
trilobite; spider; scorpion; spider*6; tick; centipede; bird*21; tusker; echidna; platypus; wallaby; koala; wombat
jellyfish; sea anemone; brain coral; worm*2; snail*4; chiton; chambered nautilus; crab*4; lobster*3; crab; isopod
bird*20; whale*2; dugong; sea lion; dog*118; wolf*3; coyote; dingo; dhole; African wild dog; hyena; fox*4; cat*5
cougar; lynx; leopard*2; jaguar; lion; tiger; cheetah; bear*4; mongoose; meerkat; beetle*8; fly; bee; ant
grasshopper; cricket; stick insect; cockroach; praying mantis; cicada; leafhopper; lacewing; dragonfly*2; butterfly*6
starfish; sea urchin; sea cucumber; rabbit*3; hamster; porcupine; squirrel; marmot; beaver; guinea pig; horse; zebra
pig*3; hippopotamus; cow; buffalo*2; sheep*2; goat; antelope*3; arabian camel; llama; weasel*4; otter; skunk; badger
armadillo; three-toed sloth; ape*5; monkey*13; lemur*2; elephant*2; red panda; giant panda; fish*9; abacus; abaya
academic gown; accordion; guitar; ship; airplane; airship; altar; ambulance; amphibious vehicle; clock; apiary; apron
trash can; gun; bag; shop; balance beam; balloon; ballpoint pen; band-aid; banjo; handrail; barbell; chair; shop
barn; barometer; barrel; wheelbarrow; ball*2; bassinet; bassoon; swimming cap; bath towel; bathtub; car; lighthouse
beaker; hat; bottle; beer glass; tower; baby bib; bicycle; swimsuit; ring binder; binoculars; birdhouse; boathouse
bobsleigh; bolo tie; hat; bookcase; shop; bottle cap; hunting bow; bow tie; plaque; bra; breakwater; breastplate
broom; bucket; buckle; bulletproof vest; train; shop; car; pot; candle; cannon; boat; can opener; cardigan
car mirror; carousel; tool kit; cardboard box; car wheel; automated teller machine; cassette; player; castle; boat
player; cello; telephone; chain; chain-link fence; chain mail; chainsaw; storage chest; cabinet; bell; cabinet
Christmas stocking; church; movie theater; knife; cliff dwelling; cloak; shoe; cocktail shaker; cup; pot; spiral
combination lock; keyboard; shop; ship; car; corkscrew; horn; shoe; hat; cradle; crane (machine); helmet; crate; bed
pot; ball; crutch; cuirass; dam; desk; computer; telephone; diaper; clock; watch; table; dishcloth; dishwasher
disc brake; dock; dog sled; dome; doormat; drilling rig; drum; drumstick; dumbbell; pot; electric fan; guitar; train
entertainment center; envelope; espresso machine; face powder; feather boa; cabinet; boat; truck; fire screen
flagpole; flute; chair; helmet; forklift; fountain; fountain pen; bed; train; horn; frying pan; coat; truck; gas mask
gas pump; goblet; go-kart; ball; golf cart; boat; gong; dress; piano; greenhouse; radiator grille; shop; guillotine
hair clip; hair spray; half-track; hammer; hamper; hair dryer; computer; handkerchief; hard disk drive; harmonica
harp; combine harvester; hatchet; holster; home theater; honeycomb; hook; dress; gymnastic horizontal bar
horse-drawn vehicle; hourglass; player; clothes iron; carved pumpkin; trousers; car; shirt; jigsaw puzzle; rickshaw
joystick; kimono; knee pad; knot; coat; spoon; lamp; computer; lawn mower; lens cap; knife; library; boat; lighter
car; ship; lipstick; shoe; lotion; music speaker; magnifying glass; sawmill; compass; bag; mailbox; leotard; swimsuit
manhole cover; maraca; marimba xylophone; mask; matchstick; maypole; maze; measuring cup; medicine cabinet; megalith
microphone; microwave oven; military uniform; milk can; van; miniskirt; car; missile; mitten; mixing bowl; house; car
modem; monastery; screen; motorcycle; mortar and pestle; graduation cap; mosque; mosquito net; motorcycle; bicycle
tent; computer mouse; mousetrap; truck; muzzle; metal nail; neck brace; necklace; baby pacifier; computer; obelisk
oboe; ocarina; odometer; oil filter; pipe organ; oscilloscope; dress; bullock cart; oxygen mask; packet; paddle
paddle wheel; padlock; paintbrush; pajamas; palace; pan flute; paper towel; parachute; parallel bars; park bench
parking meter; train; patio; telephone; pedestal; pencil case; pencil sharpener; perfume; Petri dish; photocopier
plectrum; helmet; picket fence; truck; pier; piggy bank; bottle; pillow; ball; pinwheel; ship; drink pitcher
block plane; planetarium; bag; plate rack; farm plow; plunger; camera; pole; van; poncho; pool table; bottle
plant pot; potter's wheel; power drill; prayer rug; printer; prison; rocket; projector; hockey puck; punching bag
bag; quill; quilt; car; racket; radiator; radio; radio telescope; rain barrel; recreational vehicle
fishing casting reel; camera; refrigerator; remote control; restaurant; gun*2; chair; rotisserie; eraser; ball; ruler
shoe; safe; safety pin; salt shaker; shoe; sarong; saxophone; scabbard; weighing scale; bus; ship; scoreboard; screen
screw; screwdriver; seat belt; sewing machine; shield; shop; shoji; shopping basket; shopping cart; shovel
shower cap; shower curtain; ski; ski mask; sleeping bag; slide rule; sliding door; slot machine; snorkel; snowmobile
snowplow; soap dispenser; ball; sock; solar thermal collector; hat; soup bowl; space bar; space heater; space shuttle
spatula; boat; spider web; spindle; car; spotlight; stage; train; bridge; steel drum; stethoscope; stole; stone wall
stopwatch; stove; strainer; tram; stretcher; sofa; stupa; submarine; suit; sundial; glasses*2; sunscreen; bridge; mop
shirt; swimsuit; swing; electrical switch; syringe; lamp; tank; player; pot; teddy bear; television; ball; house
front curtain; thimble; threshing machine; throne; tile roof; toaster; shop; toilet seat; torch; totem pole; truck
shop; tractor; truck; tray; coat; tricycle; boat; tripod; triumphal arch; bus; horn; hot tub; turnstile; keyboard
umbrella; unicycle; piano; vacuum cleaner; vase; vaulted ceiling; velvet; vending machine; vestment; bridge; violin
ball; waffle iron; clock; wallet; cabinet; airplane; sink; washing machine; bottle; water jug; tower; whiskey jug
whistle; hair wig; window screen; window shade; Windsor tie; bottle; airplane; wok; spoon; wool; split-rail fence
ship; boat; yurt; website; book; crossword; street sign; traffic light; book; menu; plate; guacamole; consomme
hot pot; cake; ice cream*2; bread*3; sandwich*2; mashed potatoes; cabbage; broccoli; cauliflower; squash*4; cucumber
artichoke; bell pepper; cardoon; mushroom; apple; strawberry; orange; lemon; fig; pineapple; banana; jackfruit
cherimoya; pomegranate; hay; carbonara; chocolate syrup; dough; meatloaf; pizza; pot pie; burrito; wine; coffee; cup
eggnog; mountain; bubble; cliff; coral reef; geyser; lakeshore; promontory; sandbar; beach; valley; volcano
baseball player; bridegroom; scuba diver; rapeseed; flower*2; corn; acorn; rose hip; horse chestnut; mushroom*7
ear of grain; toilet paper
"""


def _words() -> list[str]:
    """Return the word of each kind."""
    found = []
    for part in _LISTED.strip().replace("\n", "; ").split("; "):
        word, _, count = part.partition("*")
        found += [word] * int(count or 1)
    return found


WORDS = _words()
