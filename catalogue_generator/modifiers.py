"""Materials and styles that turn one product type into many categories ("linen shirts", "travel kettles")."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Modifier:
    """A material or a style.

    Attributes:
        label: the first word or words of the category's name.
        words: for English and French, one word for the name and one that suggests it. The French words agree with
            any noun.
        colours: letters of `vocabulary.COLOURS` that come before those of the product type; may be empty.
        pattern: the product's surface, a name in `backdrops.PATTERNS`; empty: any.
        backdrop: the background, a name in `backdrops.BACKDROPS`; empty: the seller's usual one.
    """

    label: str
    words: tuple[tuple[str, str], tuple[str, str]]
    colours: str
    pattern: str
    backdrop: str


def _read(table: str) -> tuple[Modifier, ...]:
    modifiers = []
    for line in table.strip().splitlines():
        english, french, colours, pattern, backdrop = (part.strip() for part in line.split("|"))
        name, suggestion = (word.strip() for word in english.split(","))
        nom, indice = (word.strip() for word in french.split(","))
        modifiers.append(Modifier(name.title(), ((name, suggestion), (nom, indice)), colours, pattern, backdrop))
    return tuple(modifiers)


SOFT_MATERIALS = _read("""
    leather, grained | en cuir, pleine fleur | ttk | grain |
    cotton, combed | en coton, peigné | ewp | |
    linen, washed linen | en lin, lin lavé | eey | weave |
    wool, merino | en laine, mérinos | gnt | weave |
    denim, indigo | en denim, indigo | bbn | grain |
    silk, satin weave | en soie, satin | pdu | |
    velvet, plush pile | en velours, velours | urv | |
    suede, nubuck | en daim, nubuck | tet | |
    recycled, upcycled | en matière recyclée, upcyclé | vgc | dots |
    knitted, chunky knit | en tricot, grosse maille | epr | weave |
""")

HARD_MATERIALS = _read("""
    wooden, solid oak | en bois, chêne massif | tte | grain |
    steel, brushed steel | en acier, acier brossé | ssg | |
    copper, hammered | en cuivre, martelé | odt | dots |
    glass, crystal clear | en verre, cristal | ccw | |
    ceramic, stoneware | en céramique, grès | wbe | |
    bamboo, rattan | en bambou, rotin | eyt | weave |
    plastic, abs | en plastique, abs | ryv | |
    brass, gilded | en laiton, doré | ddd | |
    marble, veined stone | en marbre, pierre veinée | wge | grain |
    rubber, rubberised | en caoutchouc, gommé | kkg | |
""")

STYLES = _read("""
    striped, pinstripe | à rayures, rayures fines | | stripes |
    polka dot, dotted | à pois, petits pois | | dots |
    checked, tartan | à carreaux, tartan | | checks |
    floral, flower print | à fleurs, liberty | pr | flowers |
    kids', children's | pour enfant, junior | yrb | dots | party
    vintage, retro | vintage, rétro | te | | wood
    outdoor, camping | de plein air, camping | v | | grass
    beach, seaside | de plage, bord de mer | cy | stripes | sand
    winter, cold weather | d'hiver, grand froid | nw | | snow
    luxury, premium | de luxe, haut de gamme | kd | | dark
    office, desk | de bureau, open space | gk | | desk
    travel, foldaway | de voyage, nomade | no | | sky
    christmas, festive | de noël, fêtes de fin d'année | rv | checks | snow
    wedding, bridal | de mariage, cérémonie | wd | | blush
    festival, party | de fête, festival | uoy | flowers | party
    nautical, sailor | marine, matelot | nw | stripes | sky
    military, army | militaire, kaki | vt | grain | grass
    boho, bohemian | bohème, hippie chic | ot | flowers | sand
    minimalist, plain | minimaliste, sobre | wg | | white
    handmade, artisan | d'artisan, fait main | te | weave | wood
    waterproof, weatherproof | étanche, tout temps | bc | | sky
    school, student | d'école, étudiant | bo | checks | desk
    professional, heavy duty | de pro, usage intensif | ks | | dark
    eco, sustainable | éco, durable | ve | | grass
    mini, pocket size | mini, format poche | pc | | blush
    oversized, extra large | xxl, grand format | gn | | desk
    personalised, custom | sur mesure, à personnaliser | up | | party
    gothic, dark romance | gothique, romantique noir | ku | | dark
    tropical, hawaiian | tropical, exotique | vo | flowers | sand
    sporty, racing | de sport, racing | rk | stripes | white
""")
