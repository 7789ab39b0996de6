"""The thousand kinds of things that ImageNet's networks tell apart, and the words that people use for them.

In ImageNet's order, by the names that OpenAI's CLIP has for them (MIT licence): first the word, where kinds share
one, then a colon; kinds without one stand for themselves.
"""

_LISTED = """
fish: tench; goldfish | shark: great white shark; tiger shark; hammerhead shark | ray: electric ray; stingray
bird: rooster; hen; ostrich; brambling; goldfinch; house finch; junco; indigo bunting; American robin; bulbul; jay
bird: magpie; chickadee; American dipper; kite; bald eagle; vulture; great grey owl | salamander: fire salamander
salamander: smooth newt; newt; spotted salamander; axolotl | frog: American bullfrog; tree frog; tailed frog
turtle: loggerhead sea turtle; leatherback sea turtle; mud turtle; terrapin; box turtle | lizard: banded gecko
lizard: green iguana; Carolina anole; desert grassland whiptail lizard; agama; frilled-necked lizard; alligator lizard
lizard: Gila monster; European green lizard; chameleon; Komodo dragon | crocodile: Nile crocodile; American alligator
dinosaur: triceratops | snake: worm snake; ring-necked snake; eastern hog-nosed snake; smooth green snake; kingsnake
snake: garter snake; water snake; vine snake; night snake; boa constrictor; African rock python; Indian cobra
snake: green mamba; sea snake; Saharan horned viper; eastern diamondback rattlesnake; sidewinder rattlesnake
trilobite | spider: harvestman | scorpion | spider: yellow garden spider; barn spider; European garden spider
spider: southern black widow; tarantula; wolf spider | tick; centipede | bird: black grouse; ptarmigan; ruffed grouse
bird: prairie grouse; peafowl; quail; partridge; African grey parrot; macaw; sulphur-crested cockatoo; lorikeet; coucal
bird: bee eater; hornbill; hummingbird; jacamar; toucan; duck; red-breasted merganser; goose; black swan | tusker
echidna; platypus; wallaby; koala; wombat; jellyfish; sea anemone; brain coral | worm: flatworm; nematode
snail: conch; snail; slug; sea slug | chiton; chambered nautilus | crab: Dungeness crab; rock crab; fiddler crab
crab: red king crab | lobster: American lobster; spiny lobster; crayfish | crab: hermit crab | isopod
bird: white stork; black stork; spoonbill; flamingo; little blue heron; great egret; bittern; crane (bird); limpkin
bird: common gallinule; American coot; bustard; ruddy turnstone; dunlin; common redshank; dowitcher; oystercatcher
bird: pelican; king penguin; albatross | whale: grey whale; killer whale | dugong; sea lion | dog: Chihuahua
dog: Japanese Chin; Maltese dog; Pekingese; Shih Tzu; King Charles Spaniel; Papillon; toy terrier; Rhodesian Ridgeback
dog: Afghan Hound; Basset Hound; Beagle; Bloodhound; Bluetick Coonhound; Black and Tan Coonhound
dog: Treeing Walker Coonhound; English foxhound; Redbone Coonhound; borzoi; Irish Wolfhound; Italian Greyhound; Whippet
dog: Ibizan Hound; Norwegian Elkhound; Otterhound; Saluki; Scottish Deerhound; Weimaraner; Staffordshire Bull Terrier
dog: American Staffordshire Terrier; Bedlington Terrier; Border Terrier; Kerry Blue Terrier; Irish Terrier
dog: Norfolk Terrier; Norwich Terrier; Yorkshire Terrier; Wire Fox Terrier; Lakeland Terrier; Sealyham Terrier
dog: Airedale Terrier; Cairn Terrier; Australian Terrier; Dandie Dinmont Terrier; Boston Terrier; Miniature Schnauzer
dog: Giant Schnauzer; Standard Schnauzer; Scottish Terrier; Tibetan Terrier; Australian Silky Terrier
dog: Soft-coated Wheaten Terrier; West Highland White Terrier; Lhasa Apso; Flat-Coated Retriever
dog: Curly-coated Retriever; Golden Retriever; Labrador Retriever; Chesapeake Bay Retriever; German Shorthaired Pointer
dog: Vizsla; English Setter; Irish Setter; Gordon Setter; Brittany; Clumber Spaniel; English Springer Spaniel
dog: Welsh Springer Spaniel; Cocker Spaniel; Sussex Spaniel; Irish Water Spaniel; Kuvasz; Schipperke; Groenendael
dog: Malinois; Briard; Australian Kelpie; Komondor; Old English Sheepdog; Shetland Sheepdog; collie; Border Collie
dog: Bouvier des Flandres; Rottweiler; German Shepherd Dog; Dobermann; Miniature Pinscher; Greater Swiss Mountain Dog
dog: Bernese Mountain Dog; Appenzeller Sennenhund; Entlebucher Sennenhund; Boxer; Bullmastiff; Tibetan Mastiff
dog: French Bulldog; Great Dane; St. Bernard; husky; Alaskan Malamute; Siberian Husky; Dalmatian; Affenpinscher
dog: Basenji; pug; Leonberger; Newfoundland; Great Pyrenees; Samoyed; Pomeranian; Chow Chow; Keeshond; Brussels griffon
dog: Pembroke Welsh Corgi; Cardigan Welsh Corgi; Toy Poodle; Miniature Poodle; Standard Poodle; xoloitzcuintli
wolf: grey wolf; Alaskan tundra wolf; red wolf or maned wolf | coyote; dingo; dhole; African wild dog; hyena
fox: red fox; kit fox; Arctic fox; grey fox | cat: tabby cat; tiger cat; Persian cat; Siamese cat; Egyptian Mau
cougar; lynx | leopard: leopard; snow leopard | jaguar; lion; tiger; cheetah | bear: brown bear; American black bear
bear: polar bear; sloth bear | mongoose; meerkat | beetle: tiger beetle; ladybug; ground beetle; longhorn beetle
beetle: leaf beetle; dung beetle; rhinoceros beetle; weevil | fly; bee; ant; grasshopper; cricket; stick insect
cockroach; praying mantis; cicada; leafhopper; lacewing | dragonfly: dragonfly; damselfly
butterfly: red admiral butterfly; ringlet butterfly; monarch butterfly; small white butterfly; sulphur butterfly
butterfly: gossamer-winged butterfly | starfish; sea urchin; sea cucumber | rabbit: cottontail rabbit; hare
rabbit: Angora rabbit | hamster; porcupine | squirrel: fox squirrel | marmot; beaver; guinea pig | horse: horse | zebra
pig: pig; wild boar; warthog | hippopotamus | cow: ox | buffalo: water buffalo; bison | sheep: ram; bighorn sheep
goat: Alpine ibex | antelope: hartebeest; impala; gazelle | arabian camel; llama | weasel: weasel; mink
weasel: European polecat; black-footed ferret | otter; skunk; badger; armadillo; three-toed sloth | ape: orangutan
ape: gorilla; chimpanzee; gibbon; siamang | monkey: guenon; patas monkey; baboon; macaque; langur
monkey: black-and-white colobus; proboscis monkey; marmoset; white-headed capuchin; howler monkey; titi monkey
monkey: Geoffroy's spider monkey; common squirrel monkey | lemur: ring-tailed lemur; indri | elephant: Asian elephant
elephant: African bush elephant | red panda; giant panda | fish: snoek; eel; silver salmon; rock beauty; clownfish
fish: sturgeon; gar; lionfish; pufferfish | abacus; abaya; academic gown; accordion | guitar: acoustic guitar
ship: aircraft carrier | airplane: airliner | airship; altar | ambulance: ambulance | amphibious vehicle
clock: analog clock | apiary; apron; trash can | gun: assault rifle | bag: backpack | shop: bakery | balance beam
balloon; ballpoint pen; band-aid; banjo; handrail; barbell | chair: barber chair | shop: barbershop | barn; barometer
barrel; wheelbarrow | ball: baseball; basketball | bassinet; bassoon; swimming cap; bath towel; bathtub
car: station wagon | lighthouse; beaker | hat: bearskin | bottle: beer bottle | beer glass | tower: bell tower
baby bib | bicycle: tandem bicycle | swimsuit: bikini | ring binder; binoculars; birdhouse; boathouse; bobsleigh
bolo tie | hat: poke bonnet | bookcase | shop: bookstore | bottle cap; hunting bow; bow tie; plaque; bra; breakwater
breastplate; broom; bucket; buckle; bulletproof vest | train: high-speed train | shop: butcher shop | car: taxicab
pot: cauldron | candle; cannon | boat: kayak | can opener; cardigan; car mirror; carousel; tool kit; cardboard box
car wheel; automated teller machine; cassette | player: cassette player | castle: castle | boat: catamaran
player: CD player | cello | telephone: mobile phone | chain; chain-link fence; chain mail; chainsaw; storage chest
cabinet: chiffonier | bell | cabinet: china cabinet | Christmas stocking | church: church | movie theater
knife: cleaver | cliff dwelling; cloak | shoe: clogs | cocktail shaker | cup: coffee mug | pot: coffeepot | spiral
combination lock | keyboard: computer keyboard | shop: candy store | ship: container ship | car: convertible
corkscrew | horn: cornet trumpet | shoe: cowboy boot | hat: cowboy hat | cradle; crane (machine) | helmet: crash helmet
crate | bed: infant bed | pot: Crock Pot | ball: croquet ball | crutch; cuirass; dam; desk | computer: desktop computer
telephone: rotary dial telephone | diaper | clock: digital clock | watch: digital watch | table: dining table
dishcloth; dishwasher; disc brake; dock; dog sled; dome; doormat; drilling rig | drum: drum | drumstick; dumbbell
pot: Dutch oven | electric fan | guitar: electric guitar | train: electric locomotive | entertainment center; envelope
espresso machine; face powder; feather boa | cabinet: filing cabinet | boat: fireboat | truck: fire truck | fire screen
flagpole; flute | chair: folding chair | helmet: football helmet | forklift; fountain; fountain pen
bed: four-poster bed | train: freight car | horn: French horn | frying pan | coat: fur coat | truck: garbage truck
gas mask; gas pump; goblet; go-kart | ball: golf ball | golf cart | boat: gondola | gong | dress: gown
piano: grand piano | greenhouse; radiator grille | shop: grocery store | guillotine; hair clip; hair spray; half-track
hammer; hamper; hair dryer | computer: hand-held computer | handkerchief; hard disk drive; harmonica; harp
combine harvester; hatchet; holster; home theater; honeycomb; hook | dress: hoop skirt | gymnastic horizontal bar
horse-drawn vehicle; hourglass | player: iPod | clothes iron; carved pumpkin | trousers: jeans | car: jeep
shirt: T-shirt | jigsaw puzzle; rickshaw; joystick; kimono; knee pad; knot | coat: lab coat | spoon: ladle
lamp: lampshade | computer: laptop computer | lawn mower; lens cap | knife: letter opener | library | boat: lifeboat
lighter | car: limousine | ship: ocean liner | lipstick | shoe: slip-on shoe | lotion; music speaker; magnifying glass
sawmill; compass | bag: messenger bag | mailbox; leotard | swimsuit: swimsuit | manhole cover; maraca
marimba xylophone; mask; matchstick; maypole; maze; measuring cup; medicine cabinet; megalith; microphone
microwave oven; military uniform; milk can | van: minibus | miniskirt | car: minivan | missile; mitten; mixing bowl
house: mobile home | car: Model T | modem; monastery | screen: monitor | motorcycle: moped | mortar and pestle
graduation cap; mosque; mosquito net | motorcycle: motor scooter | bicycle: mountain bike | tent; computer mouse
mousetrap | truck: moving van | muzzle; metal nail; neck brace; necklace; baby pacifier | computer: notebook computer
obelisk; oboe; ocarina; odometer; oil filter; pipe organ; oscilloscope | dress: overskirt | bullock cart; oxygen mask
packet; paddle; paddle wheel; padlock; paintbrush; pajamas; palace; pan flute; paper towel; parachute; parallel bars
park bench; parking meter | train: railroad car | patio | telephone: payphone | pedestal; pencil case; pencil sharpener
perfume; Petri dish; photocopier; plectrum | helmet: Pickelhaube | picket fence | truck: pickup truck | pier
piggy bank | bottle: pill bottle | pillow | ball: ping-pong ball | pinwheel | ship: pirate ship | drink pitcher
block plane; planetarium | bag: plastic bag | plate rack; farm plow; plunger | camera: Polaroid camera | pole
van: police van | poncho; pool table | bottle: soda bottle | plant pot; potter's wheel; power drill; prayer rug
printer; prison; rocket; projector; hockey puck; punching bag | bag: purse | quill; quilt | car: race car | racket
radiator | radio: radio | radio telescope; rain barrel; recreational vehicle; fishing casting reel
camera: reflex camera | refrigerator; remote control; restaurant | gun: revolver; rifle | chair: rocking chair
rotisserie; eraser | ball: rugby ball | ruler | shoe: sneaker | safe; safety pin; salt shaker | shoe: sandal | sarong
saxophone; scabbard; weighing scale | bus: school bus | ship: schooner | scoreboard | screen: screen | screw
screwdriver; seat belt; sewing machine; shield | shop: shoe store | shoji; shopping basket; shopping cart; shovel
shower cap; shower curtain; ski; ski mask; sleeping bag; slide rule; sliding door; slot machine; snorkel; snowmobile
snowplow; soap dispenser | ball: soccer ball | sock; solar thermal collector | hat: sombrero | soup bowl; space bar
space heater; space shuttle; spatula | boat: motorboat | spider web; spindle | car: sports car | spotlight; stage
train: steam locomotive | bridge: through arch bridge | steel drum; stethoscope; stole; stone wall; stopwatch; stove
strainer; tram; stretcher | sofa: couch | stupa; submarine; suit; sundial | glasses: sunglasses; sunglasses | sunscreen
bridge: suspension bridge | mop | shirt: sweatshirt | swimsuit: swim trunks | swing; electrical switch; syringe
lamp: table lamp | tank | player: tape player | pot: teapot | teddy bear; television | ball: tennis ball
house: thatched roof | front curtain; thimble; threshing machine; throne; tile roof; toaster | shop: tobacco shop
toilet seat; torch; totem pole | truck: tow truck | shop: toy store | tractor | truck: semi-trailer truck | tray
coat: trench coat | tricycle | boat: trimaran | tripod; triumphal arch | bus: trolleybus | horn: trombone | hot tub
turnstile | keyboard: typewriter keyboard | umbrella; unicycle | piano: upright piano | vacuum cleaner; vase
vaulted ceiling; velvet; vending machine; vestment | bridge: viaduct | violin | ball: volleyball | waffle iron
clock: wall clock | wallet | cabinet: wardrobe | airplane: military aircraft | sink; washing machine
bottle: water bottle | water jug | tower: water tower | whiskey jug; whistle; hair wig; window screen; window shade
Windsor tie | bottle: wine bottle | airplane: airplane wing | wok | spoon: wooden spoon | wool; split-rail fence
ship: shipwreck | boat: yawl | yurt; website | book: comic book | crossword; street sign; traffic light
book: dust jacket | menu; plate; guacamole; consomme; hot pot | cake: trifle | ice cream: ice cream; popsicle
bread: baguette; bagel; pretzel | sandwich: cheeseburger; hot dog | mashed potatoes; cabbage; broccoli; cauliflower
squash: zucchini; spaghetti squash; acorn squash; butternut squash | cucumber; artichoke; bell pepper; cardoon
mushroom: mushroom | apple: Granny Smith apple | strawberry; orange; lemon; fig; pineapple; banana; jackfruit
cherimoya; pomegranate; hay; carbonara; chocolate syrup; dough; meatloaf; pizza; pot pie; burrito | wine: red wine
coffee: espresso | cup: tea cup | eggnog | mountain: mountain | bubble | cliff: cliff | coral reef; geyser; lakeshore
promontory; sandbar | beach: beach | valley; volcano; baseball player; bridegroom; scuba diver; rapeseed
flower: daisy; lady's slipper | corn; acorn; rose hip; horse chestnut | mushroom: coral fungus; agaric; gyromitra
mushroom: stinkhorn mushroom; earth star fungus; hen of the woods; bolete | ear of grain; toilet paper
"""


def _pairs() -> list[tuple[str, str]]:
    """Return name and word of each kind."""
    found = []
    for part in _LISTED.strip().replace("\n", " | ").split(" | "):
        word, names = part.split(": ") if ": " in part else ("", part)
        found += [(name, word or name) for name in names.split("; ")]
    return found


NAMES, WORDS = map(list, zip(*_pairs(), strict=True))
