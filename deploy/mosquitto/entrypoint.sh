#!/bin/sh
# Starts the production broker: our accounts from the environment into the password file, the configuration from its
# parts. Accounts of devices, gateways and signs are added to the same file and survive restarts:
#   docker compose exec mosquitto mosquitto_passwd -b /mosquitto/accounts/passwords DEVICE_ID PASSWORD
#   docker compose kill -s HUP mosquitto
set -eu

config=${MOSQUITTO_CONFIG_DIR:-/mosquitto/config}
data=${MOSQUITTO_DATA_DIR:-/mosquitto/data}
accounts=${MOSQUITTO_ACCOUNTS_DIR:-/mosquitto/accounts}
certs=${MOSQUITTO_CERTS_DIR:-/mosquitto/certs}
passwords=$accounts/passwords
# Per listener. Enough for every device of a city to come directly; each open connection is a file handle.
connections=${MOSQUITTO_MAX_CONNECTIONS:-10000}
: "${BAYCAST_MQTT_INGEST_PASSWORD:?is not set}" "${BAYCAST_MQTT_PUBLISH_PASSWORD:?is not set}"

umask 077
touch "$passwords"
mosquitto_passwd -b "$passwords" baycast-ingest "$BAYCAST_MQTT_INGEST_PASSWORD"
mosquitto_passwd -b "$passwords" baycast-publish "$BAYCAST_MQTT_PUBLISH_PASSWORD"
if [ -n "${BAYCAST_MQTT_SIMULATOR_PASSWORD:-}" ]; then
    mosquitto_passwd -b "$passwords" baycast-simulator "$BAYCAST_MQTT_SIMULATOR_PASSWORD"
else
    mosquitto_passwd -D "$passwords" baycast-simulator 2>/dev/null || true
fi

cp "$config/acl" "$accounts/acl"
# The broker reads them after giving up root, so it gets copies of its own; a renewed certificate needs a restart.
rm -rf "$accounts/certs"
if [ -e "$certs/fullchain.pem" ]; then
    mkdir "$accounts/certs"
    cp "$certs"/*.pem "$accounts/certs/"
fi
{
    cat "$config/mosquitto.conf" "$config/production.conf"
    echo "password_file $passwords"
    echo "acl_file $accounts/acl"
    echo "persistence_location $data/"
    echo "listener ${MOSQUITTO_PORT:-1883}"
    echo "max_connections $connections"
    if [ -e "$accounts/certs" ]; then
        echo "listener ${MOSQUITTO_TLS_PORT:-8883}"
        echo "max_connections $connections"
        cat "$config/tls.conf"
        echo "certfile $accounts/certs/fullchain.pem"
        echo "keyfile $accounts/certs/privkey.pem"
        if [ -e "$accounts/certs/devices-ca.pem" ]; then
            cat "$config/device-certificates.conf"
            echo "cafile $accounts/certs/devices-ca.pem"
            if [ -e "$accounts/certs/devices-crl.pem" ]; then
                echo "crlfile $accounts/certs/devices-crl.pem"
            fi
        fi
    fi
} >"$accounts/mosquitto.conf"

# The image starts us as root; the broker gives that up.
if [ "$(id -u)" = 0 ]; then
    chown -R mosquitto "$accounts" "$data"
fi
exec mosquitto -c "$accounts/mosquitto.conf"
