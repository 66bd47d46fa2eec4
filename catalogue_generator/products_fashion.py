"""Fashion and beauty: groups of four product types, with the words that sellers use in English and French.

A product type has two lines, ``nouns | noms | price colours`` and ``hints | indices``: its names in English and French
(the first English noun, a plural, is its label), its median price in euros, its colours as letters of
`vocabulary.COLOURS`, the most common first, and words that suggest it (siblings share some, as in real shops).
"""

from __future__ import annotations

from catalogue_generator.product_types import ProductGroup

SHOES = ProductGroup(
    "Footwear",
    "Shoes",
    "shoe, shoes, pair of shoes",
    "chaussures, chaussure, paire de chaussures",
    """
    sneakers, trainers | baskets, tennis | 75 wkgrb
        street, low top, canvas, lace-up | urbaines, toile, à lacets
    running shoes, runners | chaussures de course, chaussures running | 95 bkrvo
        breathable, cushioned, mesh, sport | amorti, respirantes, sport
    loafers, moccasins | mocassins | 85 tknge
        slip-on, suede, leather, casual | sans lacets, daim, cuir
    oxford shoes, derby shoes | derbies, richelieus | 120 ktgn
        formal, leather, polished, lace-up | habillées, cuir, à lacets
    """,
)
TOPS = ProductGroup(
    "Clothing",
    "Tops",
    "top, women's top, basic top",
    "haut, haut basique",
    """
    t-shirts, t-shirt, tee | t-shirt, tee-shirt | 18 wkgnr
        crew neck, short sleeve, jersey, printed | col rond, manches courtes, imprimé
    shirts, shirt, button-down | chemise, chemisette | 39 wbneg
        collar, buttoned, poplin, long sleeve | col, boutonnée, popeline
    polo shirts, polo | polo, polo piqué | 35 nwrvk
        pique, collar, short sleeve, golf | piqué, col, manches courtes
    camisoles, cami | caraco, débardeur à bretelles | 22 pekwu
        straps, lace, satin, layering | bretelles, dentelle, satin
    """,
    sensitive="camisoles",
)
BAGS = ProductGroup(
    "Accessories",
    "Bags",
    "bag, carry bag, bags",
    "sac, sacs, sac de transport",
    """
    handbags, handbag, purse | sac à main | 90 ktrep
        clasp, shoulder, leather, elegant | fermoir, épaule, cuir
    backpacks, backpack, rucksack | sac à dos | 55 knvgo
        padded, laptop, straps, school | bretelles, ordinateur, rembourré
    tote bags, tote, shopper | cabas, tote bag | 30 ewknp
        canvas, open top, shoulder, shopping | toile, épaule, courses
    duffel bags, duffel, holdall | sac de voyage, sac polochon | 60 kngrv
        gym, weekend, straps, zipped | sport, week-end, zippé
    """,
)
BOOTS = ProductGroup(
    "Footwear",
    "Boots",
    "boot, boots, pair of boots",
    "bottes, botte, paire de bottes",
    """
    ankle boots, chelsea boots | bottines, boots chelsea | 95 ktge
        elastic, heel, suede, zip | élastique, talon, daim
    rain boots, wellies | bottes de pluie | 35 vynrk
        rubber, waterproof, garden, pull-on | caoutchouc, étanches, jardin
    hiking boots, trekking boots | chaussures de randonnée | 130 tvgko
        grip, waterproof, lace-up, trail | crampons, étanches, à lacets
    knee boots, riding boots | cuissardes, bottes cavalières | 140 ktge
        tall, heel, leather, zip | hautes, talon, cuir
    """,
)
BOTTOMS = ProductGroup(
    "Clothing",
    "Bottoms",
    "bottoms, casual bottoms, bottom",
    "bas, bas décontracté",
    """
    jeans, denim trousers | jean, jeans, pantalon en denim | 60 bnkg
        slim, stretch, washed, five pockets | coupe slim, délavé, cinq poches
    shorts, bermudas | short, bermuda | 30 enkvb
        summer, stretch, drawstring, above knee | été, cordon, genou
    skirts, skirt | jupe, jupes | 38 krnpu
        pleated, flared, above knee, midi | plissée, évasée, midi
    leggings, tights | legging, collant de sport | 28 kgnup
        stretch, slim, high waist, gym | taille haute, extensible, sport
    """,
)
JEWELLERY = ProductGroup(
    "Accessories",
    "Jewellery",
    "jewel, jewellery, jewellery piece",
    "bijou, bijoux, bijou fantaisie",
    """
    necklaces, necklace, pendant | collier, pendentif | 45 dsdsr
        chain, pearl, layered, clasp | chaîne, perle, fermoir
    bracelets, bracelet, bangle | bracelet, jonc | 35 dstk
        chain, charm, wrist, adjustable | chaîne, poignet, réglable
    earrings, earring, studs | boucles d'oreilles, puces | 28 dscrp
        drop, pearl, hoop, hypoallergenic | pendantes, perle, créoles
    rings, ring, signet ring | bague, anneau, chevalière | 50 dsdr
        stone, adjustable, band, engraved | pierre, réglable, gravée
    """,
)
OPEN_SHOES = ProductGroup(
    "Footwear",
    "Open Shoes",
    "open shoes, summer shoes, open toe shoes",
    "chaussures ouvertes, chaussures d'été",
    """
    sandals, sandal | sandales, nu-pieds | 45 tekwd
        buckle, straps, cork, summer | boucle, brides, liège
    flip-flops, thongs | tongs | 15 nkyrc
        beach, rubber, pool, summer | plage, caoutchouc, piscine
    slippers, house shoes | chaussons, pantoufles | 25 gtpen
        warm, indoor, lined, slip-on | chauds, intérieur, doublés
    pumps, high heels, stilettos | escarpins, talons hauts | 80 krepd
        heel, pointed, patent, evening | talon, pointus, vernis
    """,
)
OUTERWEAR = ProductGroup(
    "Clothing",
    "Outerwear",
    "outerwear, outer layer, winter wear",
    "vêtement d'extérieur, vêtement chaud",
    """
    coats, coat, overcoat | manteau, pardessus | 150 ktgne
        wool, long, lapel, winter | laine, long, hiver
    jackets, jacket, blouson | veste, blouson | 90 kvnbt
        zipped, pockets, light, bomber | zippé, poches, léger
    hoodies, hoodie, hooded sweatshirt | sweat à capuche, hoodie | 45 gknrv
        fleece, kangaroo pocket, drawstring, zipped | molleton, cordon, zippé
    gilets, gilet, body warmer | gilet sans manches, doudoune sans manches | 60 nkvog
        quilted, sleeveless, zipped, light | matelassé, sans manches, léger
    """,
)
UNDERWEAR = ProductGroup(
    "Clothing",
    "Underwear",
    "underwear, intimates, innerwear",
    "sous-vêtement, lingerie, dessous",
    """
    bras, bra, bralette | soutien-gorge, brassière | 30 kwepr
        lace, cups, straps, wire-free | dentelle, bonnets, bretelles
    briefs, brief, knickers | culotte, slip | 14 wkepn
        lace, high waist, cotton, seamless | dentelle, coton, sans coutures
    boxers, boxer shorts, trunks | boxer, caleçon | 16 kngrb
        cotton, elastic, stretch, men | coton, élastique, homme
    socks, sock, ankle socks | chaussettes, socquettes | 9 kwgrn
        cotton, ribbed, elastic, warm | coton, côtelées, chaudes
    """,
    sensitive="bras, briefs, boxers",
)
HEADWEAR = ProductGroup(
    "Accessories",
    "Headwear",
    "hat, headwear, headgear",
    "chapeau, couvre-chef, chapeaux",
    """
    caps, cap, baseball cap | casquette | 22 knrwv
        visor, adjustable, logo, curved | visière, réglable, logo
    beanies, beanie, knit hat | bonnet | 18 gknrt
        knitted, warm, wool, pompom | tricot, chaud, laine
    sun hats, sun hat, straw hat | chapeau de paille, capeline | 28 ewtyp
        wide brim, straw, beach, summer | large bord, paille, plage
    bucket hats, bucket hat | bob | 24 ekvwb
        brim, reversible, cotton, summer | bord, réversible, coton
    """,
)
FRAGRANCE = ProductGroup(
    "Beauty",
    "Fragrance",
    "fragrance, scent, spray",
    "parfumerie, senteur, spray",
    """
    perfumes, perfume, eau de parfum | parfum, eau de parfum | 70 dpcus
        floral, musk, amber, bottle | floral, musc, ambre
    deodorants, deodorant, roll-on | déodorant, déo bille | 8 wbvgn
        48h, fresh, alcohol-free, stick | fraîcheur, sans alcool, bille
    body mists, body mist | brume corporelle, brume parfumée | 16 pucyv
        floral, vanilla, light, fresh | floral, vanille, légère
    aftershaves, aftershave | après-rasage, lotion après-rasage | 35 nkbtv
        musk, woody, shaving, balm | musc, boisé, rasage
    """,
)
MAKEUP = ProductGroup(
    "Beauty",
    "Makeup",
    "makeup, cosmetic, make-up",
    "maquillage, cosmétique, produit de maquillage",
    """
    lipsticks, lipstick, lip colour | rouge à lèvres | 18 rputo
        matte, lips, shade, creamy | mat, lèvres, teinte
    nail polishes, nail polish, nail lacquer | vernis à ongles | 9 rpunv
        glossy, nails, shade, quick dry | brillant, ongles, teinte
    mascaras, mascara | mascara | 16 kdpns
        volume, lashes, waterproof, brush | volume, cils, brosse
    compacts, compact powder, face powder | poudre compacte, poudrier | 24 epktd
        matte, mirror, complexion, shade | mat, miroir, teint
    """,
)
SKIN_CARE = ProductGroup(
    "Beauty",
    "Skin Care",
    "skin care, care product, cream",
    "soin, soin de la peau, crème",
    """
    face creams, face cream, day cream | crème visage, crème de jour | 28 wpcev
        hydrating, face, vitamin, jar | hydratante, visage, vitamine
    hand creams, hand cream | crème mains | 9 wpyvt
        hydrating, hands, shea, tube | hydratante, mains, karité
    cleansers, cleanser, face wash | nettoyant visage, gel nettoyant | 14 cbwvp
        face, gel, purifying, pump | visage, gel, purifiant
    sunscreens, sunscreen, sun cream | crème solaire, lait solaire | 19 yowbd
        spf 50, face, protection, tube | spf 50, visage, protection
    """,
)
