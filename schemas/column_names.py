"""Names that shops, programs and languages give to the columns of listings.

A column with such a name is proposed for a mapping, and never mapped by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping


def normalise_name(name: str) -> str:
    """The letters and digits of a column's name in lower case, without accents: `Régular price` -> `regularprice`."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(each for each in plain if each.isalnum())


def _normalised(names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {
        column: tuple(dict.fromkeys(normalise_name(name) for name in text.split())) for column, text in names.items()
    }


COLUMN_NAMES: dict[str, tuple[str, ...]] = _normalised(
    {
        "listing_id": """
            listing_id listing_no listing_number listing item_id product_id article_id offer_id ad_id advert_id post_id
            id uuid guid handle url_handle slug item_no item_number item_code product_no product_number product_code
            article_no article_number sku seller_sku merchant_sku variant_sku aw_product_id merchant_product_id asin
            parent_asin code key gtin ean upc barcode isbn
            artikelnummer artikelnr artikel_nr artikel_id artikel produktnummer produkt_id angebots_id bestellnummer
            id_produit identifiant référence reference ref id_article code_produit
            id_producto código codigo referencia id_articulo id_prodotto codice riferimento
            id_produto código_do_produto productnummer artikelcode id_produktu kod_produktu
            varenummer artikelnummer tuotenumero ürün_kodu
        """,
        "title": """
            title name product_name product_title item_name item_title listing_title display_name product_display_name
            article_name headline heading
            titel bezeichnung artikelbezeichnung produktbezeichnung produktname artikelname produkttitel
            titre nom nom_du_produit nom_produit intitulé libellé désignation
            título titulo nombre nombre_del_producto nombre_producto
            titolo nome nome_prodotto denominazione
            título_do_produto nome_do_produto nome_produto
            productnaam naam titel_van_product nazwa nazwa_produktu tytuł
            produktnamn namn navn produktnavn nimi tuotenimi
        """,
        "description": """
            description product_description item_description long_description full_description body body_html body_text
            details product_details short_description text content about summary
            beschreibung produktbeschreibung artikelbeschreibung langbeschreibung kurzbeschreibung
            descriptif description_produit description_du_produit description_longue
            descripción descripcion descripción_del_producto descrizione descrizione_prodotto
            descrição descricao descrição_do_produto omschrijving beschrijving productomschrijving
            opis opis_produktu beskrivning beskrivelse kuvaus
        """,
        "category": """
            category categories category_name category_path category_id product_category item_category main_category
            google_product_category product_type merchant_category merchant_category_path department
            breadcrumb breadcrumbs taxonomy taxon class label type
            kategorie kategorien warengruppe produktkategorie produktgruppe rubrik
            catégorie categorie catégories rayon famille
            categoría categoria categorías categorías_de_productos
            categorie_prodotto categorias categorieën produktkategori kategori kategoria kategorie_produktu luokka
        """,
        "price": """
            price regular_price sale_price list_price current_price selling_price unit_price price_amount product_price
            item_price search_price variant_price final_price
            preis verkaufspreis regulärer_preis bruttopreis einzelpreis
            prix prix_ttc prix_de_vente tarif tarif_régulier
            precio precio_normal precio_de_venta prezzo prezzo_di_vendita prezzo_di_listino
            preço preco preço_normal prijs verkoopprijs reguliere_prijs cena cena_regularna pris hinta fiyat
        """,
        "currency": """
            currency currency_code price_currency währung devise monnaie moneda divisa valuta moeda waluta valuutta
            para_birimi
        """,
        "condition": """
            condition item_condition product_condition
            zustand artikelzustand état etat condición condizione condição estado_do_produto conditie stan skick kunto
        """,
        "exposure": """
            exposure views view_count page_views pageviews impressions visits clicks sales sold units_sold num_sold
            aufrufe verkäufe vues ventes vistas ventas visualizzazioni vendite
        """,
        "seller_id": """
            seller_id seller seller_name merchant_id merchant merchant_name vendor_id vendor store_id store shop_id shop
            supplier_id supplier user_id
            verkäufer verkäufer_id händler anbieter vendeur id_vendeur vendedor venditore verkoper sprzedawca
        """,
        "updated_at": """
            updated_at updated update_time updated_on updated_time last_updated last_update last_modified modified
            modified_at date_modified last_modified_t last_modified_datetime last_change changed_at modification_date
            timestamp datetime date
            geändert_am aktualisiert_am änderungsdatum aktualisiert datum
            modifié_le mis_à_jour_le date_de_modification date_modification date_de_mise_à_jour
            actualizado fecha_de_modificación fecha fecha_actualización aggiornato data_modifica
            atualizado_em data_de_modificação gewijzigd_op data_modyfikacji
        """,
        "image_uri": """
            image_uri image_url image_link image_path image_src image_file img_url img img_src picture_url picture_uri
            picture_link picture_path photo_url photo_path main_image main_image_url product_image_url product_image
            merchant_image_url aw_image_url primary_image image_front_url image_1 image1 images image_urls picture
            pictures photo photos thumbnail thumbnail_url filename file_name
            bild bild_url bildlink bilder foto bild_link url_image lien_image image_principale
            imagen url_imagen imágenes immagine immagini url_immagine imagem imagens afbeelding afbeelding_url
            zdjęcie zdjęcia obrazki kuva resim
        """,
        "image": "image_bytes picture_bytes image_data image_base64 image_binary img_bytes",
    }
)
"""Column of listings -> its names in files, normalised; the likeliest come first."""
