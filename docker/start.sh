#!/bin/sh
# What the container runs: bring the database up to date, then become the server. Works outside a container too.
#
# The current directory is where the data goes (instance/app.db, instance/models, instance/backups): /data in the image.
set -eu
umask 077
home=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
export FLASK_APP="$home/wsgi.py" PYTHONPATH="$home"

flask db upgrade
exec gunicorn --config "$home/gunicorn.conf.py" wsgi:app
