"""Household goods: groups of four product types, in the format that `products_fashion` describes."""

from __future__ import annotations

from catalogue_generator.product_types import ProductGroup

SEATING = ProductGroup(
    "Home",
    "Seating",
    "seat, seating, living room seat",
    "siège, assise, siège de salon",
    """
    chairs, chair, dining chair | chaise, chaise de salle à manger | 65 twkge
        backrest, wooden, dining, stackable | dossier, bois, empilable
    armchairs, armchair, lounge chair | fauteuil | 190 gvnte
        upholstered, velvet, lounge, padded | rembourré, velours, salon
    stools, stool, bar stool | tabouret | 45 tkwsr
        wooden, counter, footrest, round | bois, comptoir, rond
    sofas, sofa, couch | canapé, sofa | 480 gevnt
        two-seater, upholstered, velvet, cushions | deux places, velours, coussins
    """,
)
DRINKWARE = ProductGroup(
    "Kitchen",
    "Drinkware",
    "drinkware, drinks container, drinking set",
    "contenant à boisson, service à boire",
    """
    mugs, mug, coffee cup | mug, tasse | 11 wbrkv
        ceramic, handle, coffee, dishwasher safe | céramique, anse, café
    wine glasses, wine glass, goblet | verre à vin, verre à pied | 24 ccgpd
        stem, crystal, set of 6, clear | pied, cristal, lot de 6
    water bottles, water bottle, flask | gourde, bouteille isotherme | 20 bksvp
        insulated, leakproof, 500 ml, steel | isotherme, anti-fuite, 500 ml
    teapots, teapot | théière | 32 wvkbt
        infuser, ceramic, spout, handle | infuseur, céramique, bec, anse
    """,
)
LIGHTING = ProductGroup(
    "Home",
    "Lighting",
    "lamp, light, lighting",
    "lampe, luminaire, éclairage",
    """
    table lamps, table lamp, bedside lamp | lampe de chevet, lampe à poser | 40 ewdkg
        bedside, shade, dimmable, base | chevet, abat-jour, variateur
    floor lamps, floor lamp | lampadaire | 85 kwdte
        tripod, shade, reading, tall | trépied, abat-jour, lecture
    pendant lights, pendant light, ceiling lamp | suspension, plafonnier | 70 kdewt
        ceiling, shade, rattan, cable | plafond, abat-jour, rotin
    lanterns, lantern | lanterne, photophore | 28 kdstr
        candle, outdoor, handle, glass | bougie, extérieur, anse
    """,
)
COOKWARE = ProductGroup(
    "Kitchen",
    "Cookware",
    "pan, cookware, cooking pot",
    "ustensile de cuisson, batterie de cuisine",
    """
    frying pans, frying pan, skillet | poêle | 32 kgrst
        non-stick, handle, induction, 28 cm | antiadhésive, manche, induction
    saucepans, saucepan | casserole | 28 sktgr
        handle, induction, lid, 16 cm | manche, induction, couvercle
    casseroles, casserole dish, dutch oven | cocotte, faitout | 80 robvk
        cast iron, lid, oven, two handles | fonte, couvercle, four
    woks, wok | wok | 35 kksg
        carbon steel, non-stick, stir-fry, handle | acier, antiadhésif, manche
    """,
)
STORAGE = ProductGroup(
    "Home",
    "Storage",
    "storage, storage unit, organiser",
    "rangement, meuble de rangement",
    """
    bookcases, bookcase, shelf unit | bibliothèque, étagère | 110 twket
        shelves, oak, tall, open | étagères, chêne, ouverte
    chests of drawers, chest of drawers, dresser | commode | 140 wtgen
        drawers, handles, oak, bedroom | tiroirs, poignées, chêne
    wardrobes, wardrobe, closet | armoire, penderie | 260 wtgke
        doors, hanging rail, bedroom, tall | portes, penderie, chambre
    baskets, basket, wicker basket | corbeille, panier en osier | 22 tegwk
        wicker, handles, woven, laundry | osier, poignées, tressé
    """,
)
APPLIANCES = ProductGroup(
    "Kitchen",
    "Appliances",
    "appliance, kitchen appliance, small appliance",
    "petit électroménager, appareil de cuisine",
    """
    toasters, toaster | grille-pain | 38 srkwe
        two slots, defrost, crumb tray, 900 w | deux fentes, décongélation, 900 w
    kettles, kettle, electric kettle | bouilloire | 35 skwrc
        1.7 l, cordless, spout, 2200 w | sans fil, bec, 2200 w
    blenders, blender | blender, mixeur | 60 kswrv
        jug, blades, smoothie, 900 w | bol, lames, smoothie
    coffee makers, coffee maker | cafetière, machine à café | 65 ksrwg
        filter, jug, 12 cups, timer | filtre, verseuse, programmable
    """,
)
UTENSILS = ProductGroup(
    "Kitchen",
    "Utensils",
    "utensil, kitchen tool, kitchen utensil",
    "ustensile, accessoire de cuisine",
    """
    kitchen knives, kitchen knife, chef's knife | couteau de cuisine, couteau de chef | 30 ksktr
        blade, steel, sharp, chopping | lame, acier, tranchant
    ladles, ladle | louche | 9 skrvt
        soup, steel, serving, handle | soupe, acier, service
    spatulas, spatula, turner | spatule | 8 rktvc
        silicone, heat resistant, handle, turning | silicone, résistante, manche
    whisks, whisk, balloon whisk | fouet, fouet de cuisine | 10 skrct
        wire, steel, pastry, handle | fils, acier, pâtisserie
    """,
    sensitive="kitchen knives",
)
DEVICES = ProductGroup(
    "Electronics",
    "Devices",
    "device, touch device, electronic device",
    "appareil, appareil tactile, appareil électronique",
    """
    smartphones, smartphone, mobile phone | smartphone, téléphone portable | 390 kbwgu
        128 gb, dual sim, camera, 5g | 128 go, double sim, 5g
    tablets, tablet | tablette | 260 gksw
        10 inch, 64 gb, touch screen, wifi | 10 pouces, 64 go, wifi
    e-readers, e-reader, ebook reader | liseuse | 120 kkwgn
        e-ink, 6 inch, backlit, wifi | encre, 6 pouces, wifi
    laptops, laptop, notebook computer | ordinateur portable, pc portable | 720 sgkw
        15 inch, ssd, keyboard, 16 gb | 15 pouces, ssd, clavier
    """,
)
AUDIO = ProductGroup(
    "Electronics",
    "Audio",
    "audio device, sound device, audio",
    "appareil audio, audio, son",
    """
    headphones, headphones over-ear | casque audio, casque | 110 kwsbr
        over-ear, noise cancelling, wireless, foldable | circum-aural, sans fil, pliable
    earbuds, earphones | écouteurs, oreillettes | 60 wkbpv
        in-ear, wireless, charging case, noise cancelling | intra, sans fil, boîtier
    speakers, speaker, loudspeaker | enceinte, haut-parleur | 80 kgrbv
        wireless, bass, stereo, portable | sans fil, basses, portable
    microphones, microphone, mic | microphone, micro | 70 kkgs
        cardioid, studio, usb, stand | cardioïde, studio, usb
    """,
)
IMAGING = ProductGroup(
    "Electronics",
    "Imaging",
    "screen device, image device, video",
    "appareil vidéo, image, vidéo",
    """
    monitors, monitor, computer screen | moniteur, écran pc | 210 kksw
        27 inch, 144 hz, stand, hdmi | 27 pouces, pied, hdmi
    televisions, television, tv | téléviseur, télé | 480 kkg
        55 inch, 4k, hdr, hdmi | 55 pouces, 4k, hdmi
    cameras, camera, digital camera | appareil photo | 420 ksgtr
        lens, zoom, 24 mp, flash | objectif, zoom, flash
    projectors, projector, beamer | vidéoprojecteur, projecteur | 310 wkgs
        lumens, lens, hdmi, home cinema | lumens, objectif, hdmi
    """,
)
BALLS = ProductGroup(
    "Sports",
    "Balls",
    "ball, match ball, training ball",
    "ballon, balle, ballon d'entraînement",
    """
    footballs, football, soccer ball | ballon de football, ballon de foot | 24 wkbrv
        size 5, stitched, match, pitch | taille 5, cousu, terrain
    basketballs, basketball | ballon de basket | 28 otokb
        size 7, grip, indoor, court | taille 7, intérieur, grip
    tennis balls, tennis ball | balle de tennis | 9 yyvo
        tube of 4, felt, court, match | tube de 4, feutre, terrain
    rugby balls, rugby ball | ballon de rugby | 26 wrntb
        size 5, oval, grip, match | taille 5, ovale, grip
    """,
)
RACKETS = ProductGroup(
    "Sports",
    "Rackets And Bats",
    "racket, bat, racket sport",
    "raquette, sport de raquette",
    """
    tennis rackets, tennis racket | raquette de tennis | 85 krbwy
        strung, graphite, grip, 280 g | cordée, graphite, manche
    badminton rackets, badminton racket | raquette de badminton | 35 brkvy
        strung, light, grip, shuttlecock | cordée, légère, volant
    table tennis bats, table tennis bat | raquette de ping-pong, raquette de tennis de table | 18 rrkb
        rubber, wooden, spin, grip | caoutchouc, bois, manche
    hockey sticks, hockey stick | crosse de hockey | 65 kbtro
        composite, curved, grip, field | composite, courbe, terrain
    """,
)
FITNESS = ProductGroup(
    "Sports",
    "Fitness",
    "fitness, training gear, workout gear",
    "fitness, matériel de musculation",
    """
    dumbbells, dumbbell | haltère, haltères | 25 kgpbs
        5 kg, weight, grip, neoprene | 5 kg, poids, néoprène
    kettlebells, kettlebell | kettlebell | 32 kgrbv
        8 kg, weight, handle, cast iron | 8 kg, poids, fonte
    yoga mats, yoga mat, exercise mat | tapis de yoga, tapis de sol | 24 ucpvb
        non-slip, rolled, 6 mm, foam | antidérapant, 6 mm, mousse
    skipping ropes, skipping rope, jump rope | corde à sauter | 12 krbyp
        adjustable, bearings, handles, speed | réglable, poignées, vitesse
    """,
)
TOY_VEHICLES = ProductGroup(
    "Toys",
    "Toy Vehicles",
    "toy, toy vehicle, vehicle toy",
    "jouet, véhicule jouet",
    """
    toy cars, toy car | petite voiture, voiture jouet | 12 rbyvo
        wheels, pull-back, racing, die-cast | roues, course, rétrofriction
    toy trains, toy train | train jouet, petit train | 28 rvbky
        wheels, track, wagons, wooden | roues, rails, bois
    toy planes, toy plane | avion jouet | 16 wrbyg
        wings, propeller, glider, foam | ailes, hélice, mousse
    toy boats, toy boat | bateau jouet | 15 brwyt
        sail, bath, wooden, floating | voile, bain, bois
    """,
)
SOFT_TOYS = ProductGroup(
    "Toys",
    "Dolls And Games",
    "kids' toy, gift toy, play set",
    "jouet enfant, cadeau enfant",
    """
    teddy bears, teddy bear, plush bear | ours en peluche, peluche | 22 tewpg
        plush, soft, cuddly, 30 cm | douce, câlin, 30 cm
    dolls, doll | poupée | 26 prueb
        dress, soft, hair, 30 cm | robe, cheveux, 30 cm
    building blocks, toy bricks | briques de construction, cubes | 24 rybvo
        pieces, stacking, wooden, colours | pièces, empiler, bois
    jigsaw puzzles, jigsaw, puzzle | puzzle | 15 bvyrc
        1000 pieces, cardboard, landscape, colours | 1000 pièces, carton, paysage
    """,
)
HAND_TOOLS = ProductGroup(
    "Garden And Tools",
    "Hand Tools",
    "tool, hand tool, tools",
    "outil, outil à main",
    """
    hammers, hammer | marteau | 16 tkroy
        claw, steel head, handle, 500 g | panne, acier, manche
    screwdrivers, screwdriver | tournevis | 9 rybok
        magnetic, phillips, handle, tip | magnétique, cruciforme, manche
    saws, saw, handsaw | scie, scie égoïne | 18 tyrob
        teeth, blade, wood, handle | dents, lame, bois
    spanners, spanner, wrench | clé plate, clé à molette | 13 sskrb
        chrome, 13 mm, adjustable, jaw | chrome, 13 mm, réglable
    """,
)
GARDEN_TOOLS = ProductGroup(
    "Garden And Tools",
    "Garden Tools",
    "garden tool, gardening, garden",
    "outil de jardin, jardinage",
    """
    shovels, shovel, spade | pelle, bêche | 24 stkrv
        steel, wooden handle, digging, soil | acier, manche bois, terre
    rakes, rake, leaf rake | râteau, balai à gazon | 20 vtrks
        leaves, wooden handle, teeth, lawn | feuilles, manche bois, dents
    watering cans, watering can | arrosoir | 18 vsbcr
        10 l, spout, rose, plants | 10 l, bec, pomme
    secateurs, pruning shears | sécateur | 19 rvoky
        blade, spring, pruning, grip | lame, ressort, taille
    """,
)
