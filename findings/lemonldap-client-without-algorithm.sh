#!/usr/bin/env bash
# Debian 12, LemonLDAP::NG 2.16.1+ds-deb12u10, as an OpenID provider.
#
# The signature algorithm of ID tokens is an option of each client with no default in the portal:
# the Manager's form fills one in (HS512). A client that was written into the configuration in
# another way, such as by a program, signs people in as usual, and then the token endpoint answers a
# good code with 500 `server_error`, without a description. The discovery document of the same portal
# says that every algorithm is supported.
#
# What the form fills in is no way out for clients that ask for a public key: HS512 signs with the
# client's own secret.
#
# Expected output:
#   no algorithm: the code comes, then 500 server_error
#   RS256: the code comes, then 200 signed with RS256
#   HS512: the code comes, then 200 signed with HS512
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The portal and its modules in this directory, whatever the system has besides its Perl 5.36.
pinned=(lemonldap-ng-fastcgi-server liblemonldap-ng-{portal,handler,common}-perl)
apt-get -s -o Dir::State::status=/dev/null install --no-install-recommends \
  "${pinned[@]/%/=2.16.1+ds-deb12u10}" libio-string-perl libstring-random-perl \
  | awk '/^Inst/ && $2 ~ /-perl$/ { print $2 }' >packages
sed -i 's/^\(liblemonldap-ng-.*\)$/\1=2.16.1+ds-deb12u10/' packages
mkdir debs
(cd debs && xargs apt-get -q download <../packages >/dev/null 2>&1)
for package in debs/*.deb; do dpkg-deb -x "$package" root; done
# Pictures for people who forgot their password. Nobody does here.
mkdir -p root/usr/share/perl5/GD
echo 'package GD::SecurityImage; sub import {} 1;' >root/usr/share/perl5/GD/SecurityImage.pm

openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 -subj /CN=op -keyout op.key -out op.crt 2>/dev/null
mkdir -p conf cache {sessions,psessions}/lock
cat >portal.ini <<INI
[all]
logLevel = error
[configuration]
type = File
dirName = $work/conf
localStorage = Cache::FileCache
localStorageOptions = { 'namespace' => 'c', 'cache_root' => '$work/cache' }
[portal]
templateDir = $work/root/usr/share/lemonldap-ng/portal/templates
staticPrefix = /static
languages = en
INI

cat >ask.pl <<'PERL'
use strict;
use warnings;
use HTTP::Request::Common qw(GET POST);
use JSON qw(decode_json encode_json);
use MIME::Base64 qw(decode_base64url);
use Plack::Test;
use URI;

my $work     = $ENV{WORK};
my $portal   = 'http://auth.example.com';
my $callback = 'https://client.example/callback';

# Each client is named for its algorithm.
my %client = map {
    $_ => {
        oidcRPMetaDataOptionsClientID     => $_,
        oidcRPMetaDataOptionsClientSecret => 'a secret of both',
        oidcRPMetaDataOptionsRedirectUris => $callback,
        oidcRPMetaDataOptionsBypassConsent => 1,
        $_ eq 'none-set' ? () : ( oidcRPMetaDataOptionsIDTokenSignAlg => $_ ),
    }
} qw(none-set RS256 HS512);

sub content { local ( @ARGV, $/ ) = @_; return scalar <> }

sub store {
    return { Directory => "$work/$_[0]", LockDirectory => "$work/$_[0]/lock" };
}

open my $out, '>', "$work/conf/lmConf-1.json" or die $!;
print $out encode_json(
    {
        cfgNum                          => 1,
        cfgDate                         => 1,
        portal                          => "$portal/",
        domain                          => 'example.com',
        locationRules                   => { 'auth.example.com' => { default => 'accept' } },
        securedCookie                   => 0,
        requireToken                    => 0,
        authentication                  => 'Demo',
        userDB                          => 'Same',
        globalStorage                   => 'Apache::Session::File',
        globalStorageOptions            => store('sessions'),
        persistentStorage               => 'Apache::Session::File',
        persistentStorageOptions        => store('psessions'),
        issuerDBOpenIDConnectActivation => 1,
        oidcServicePrivateKeySig        => content("$work/op.key"),
        oidcServicePublicKeySig         => content("$work/op.crt"),
        oidcServiceKeyIdSig             => 'one',
        oidcRPMetaDataOptions           => \%client,
    }
);
close $out;

require Lemonldap::NG::Portal::Main;
my $test = Plack::Test->create( Lemonldap::NG::Portal::Main->run( {} ) );

# dwho is one of the people of the demonstration directory, with the same word for a password.
my $welcome  = $test->request( POST "$portal/", [ user => 'dwho', password => 'dwho' ] );
my ($cookie) = $welcome->header('Set-Cookie') =~ /(lemonldap=[0-9a-f]+)/ or die $welcome->as_string;

sub sign_in {
    my ($id) = @_;
    my $url = URI->new("$portal/oauth2/authorize");
    $url->query_form( client_id => $id, response_type => 'code', scope => 'openid', redirect_uri => $callback );
    my $back = $test->request( GET $url, Cookie => $cookie );
    my %answer = URI->new( $back->header('Location') // die $back->as_string )->query_form;
    die $back->as_string unless $answer{code};
    my $token = POST "$portal/oauth2/token",
      [ grant_type => 'authorization_code', code => $answer{code}, redirect_uri => $callback ];
    $token->authorization_basic( $id, 'a secret of both' );
    my $got  = $test->request($token);
    my $body = decode_json( $got->content );
    my $what = $body->{error} ? join ' ', grep { defined } @$body{qw(error error_description)} : header( $body->{id_token} );
    return ( $id eq 'none-set' ? 'no algorithm' : $id ) . ': the code comes, then ' . $got->code . " $what";
}

sub header {
    my ($first) = split /\./, $_[0];
    return 'signed with ' . decode_json( decode_base64url($first) )->{alg};
}

my @seen     = map { sign_in($_) } qw(none-set RS256 HS512);
my @expected = (
    'no algorithm: the code comes, then 500 server_error',
    'RS256: the code comes, then 200 signed with RS256',
    'HS512: the code comes, then 200 signed with HS512',
);
print map { "$_\n" } @seen;
exit( "@seen" eq "@expected" ? 0 : 1 );
PERL

WORK=$work LLNG_DEFAULTCONFFILE=$work/portal.ini LLNG_DEFAULTLOGGER=Lemonldap::NG::Common::Logger::Std \
  PERL5LIB=$work/root/usr/share/perl5:$work/root/usr/lib/x86_64-linux-gnu/perl5/5.36 /usr/bin/perl ask.pl
