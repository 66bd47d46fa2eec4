"""The Airflow DAGs. They only submit the commands and import no other package of this project."""
