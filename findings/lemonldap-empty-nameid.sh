#!/usr/bin/env bash
# Debian 12, LemonLDAP::NG 2.16.1+ds-deb12u10 with liblasso-perl 2.8.1-1+deb12u1, as a SAML identity
# provider for a service provider whose default NameID format is "persistent".
#
# An AuthnRequest without a NameIDPolicy element, which SAML makes optional, is answered with Success
# and an empty persistent NameID: `<saml:NameID Format="…:persistent"/>`. Any NameIDPolicy brings a
# value, with a Format or without, and with AllowCreate either way. That the person has an
# identifier already changes nothing: asked without the element afterwards, it is empty again.
#
# A service provider that takes the text as it comes makes one person of everybody.
#
# Expected output:
#   no NameIDPolicy: persistent, empty
#   NameIDPolicy AllowCreate="true": persistent, a value
#   NameIDPolicy AllowCreate="false": persistent, a value
#   NameIDPolicy with the format: persistent, a value
#   no NameIDPolicy, for the same person: persistent, empty
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The portal and its modules in this directory, whatever the system has besides its Perl 5.36.
pinned=(lemonldap-ng-fastcgi-server liblemonldap-ng-{portal,handler,common}-perl)
wanted=("${pinned[@]/%/=2.16.1+ds-deb12u10}" liblasso-perl=2.8.1-1+deb12u1 libxml-simple-perl libio-string-perl)
apt-get -s -o Dir::State::status=/dev/null install --no-install-recommends "${wanted[@]}" \
  | awk '/^Inst/ && $2 ~ /-perl$|^liblasso3$|^libxmlsec1/ { print $2 }' >packages
sed -i 's/^\(liblemonldap-ng-.*\)$/\1=2.16.1+ds-deb12u10/' packages
mkdir debs
(cd debs && xargs apt-get -q download <../packages >/dev/null 2>&1)
for package in debs/*.deb; do dpkg-deb -x "$package" root; done
# Pictures for people who forgot their password. Nobody does here.
mkdir -p root/usr/share/perl5/GD
echo 'package GD::SecurityImage; sub import {} 1;' >root/usr/share/perl5/GD/SecurityImage.pm

openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 -subj /CN=idp -keyout idp.key -out idp.crt 2>/dev/null
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
use IO::Compress::RawDeflate qw(rawdeflate);
use JSON qw(encode_json);
use MIME::Base64 qw(encode_base64 decode_base64);
use Plack::Test;
use URI::Escape qw(uri_escape);

my $work     = $ENV{WORK};
my $portal   = 'http://auth.example.com';
my $protocol = 'urn:oasis:names:tc:SAML:2.0:protocol';
my $format   = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';

sub content { local ( @ARGV, $/ ) = @_; return scalar <> }

sub store {
    return { Directory => "$work/$_[0]", LockDirectory => "$work/$_[0]/lock" };
}

my $sp = <<XML;
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example/">
 <SPSSODescriptor protocolSupportEnumeration="$protocol">
  <AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/acs" index="0" isDefault="true"/>
 </SPSSODescriptor>
</EntityDescriptor>
XML
open my $out, '>', "$work/conf/lmConf-1.json" or die $!;
print $out encode_json(
    {
        cfgNum                   => 1,
        cfgDate                  => 1,
        portal                   => "$portal/",
        domain                   => 'example.com',
        locationRules            => { 'auth.example.com' => { default => 'accept' } },
        securedCookie            => 0,
        requireToken             => 0,
        authentication           => 'Demo',
        userDB                   => 'Same',
        globalStorage            => 'Apache::Session::File',
        globalStorageOptions     => store('sessions'),
        persistentStorage        => 'Apache::Session::File',
        persistentStorageOptions => store('psessions'),
        issuerDBSAMLActivation   => 1,
        samlServicePrivateKeySig => content("$work/idp.key"),
        samlServicePublicKeySig  => content("$work/idp.crt"),
        samlSPMetaDataXML        => { sp => { samlSPMetaDataXML => $sp } },
        samlSPMetaDataOptions    => { sp => { samlSPMetaDataOptionsNameIDFormat => 'persistent' } },
    }
);
close $out;

require Lemonldap::NG::Portal::Main;
my $test = Plack::Test->create( Lemonldap::NG::Portal::Main->run( {} ) );

# dwho is one of the people of the demonstration directory, with the same word for a password.
my $welcome  = $test->request( POST "$portal/", [ user => 'dwho', password => 'dwho' ] );
my ($cookie) = $welcome->header('Set-Cookie') =~ /(lemonldap=[0-9a-f]+)/ or die $welcome->as_string;

my $count = 0;

sub ask {
    my ( $what, $policy ) = @_;
    my $request = qq{<samlp:AuthnRequest xmlns:samlp="$protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"}
      . qq{ ID="_} . ++$count . qq{" Version="2.0" IssueInstant="} . instant() . qq{" Destination="$portal/saml/singleSignOn"}
      . qq{ AssertionConsumerServiceURL="https://sp.example/acs"><saml:Issuer>https://sp.example/</saml:Issuer>$policy</samlp:AuthnRequest>};
    rawdeflate( \$request => \my $small );
    my $query = uri_escape( encode_base64( $small, '' ) );
    my $page  = $test->request( GET "$portal/saml/singleSignOn?SAMLRequest=$query", Cookie => $cookie );
    my ($letter) = $page->content =~ /name="SAMLResponse"\s+value="([^"]*)"/ or die $page->as_string;
    my ( $got, $rest ) = decode_base64($letter) =~ m{<saml:NameID [^>]*nameid-format:(\w+)"[^>]*?(/>|>[^<]+<)} or die;
    return "$what: $got, " . ( $rest eq '/>' ? 'empty' : 'a value' );
}

sub instant {
    my ( $s, $m, $h, $d, $month, $y ) = gmtime;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $y + 1900, $month + 1, $d, $h, $m, $s;
}

my @seen = (
    ask( 'no NameIDPolicy', '' ),
    ask( 'NameIDPolicy AllowCreate="true"',  '<samlp:NameIDPolicy AllowCreate="true"/>' ),
    ask( 'NameIDPolicy AllowCreate="false"', '<samlp:NameIDPolicy AllowCreate="false"/>' ),
    ask( 'NameIDPolicy with the format',     qq{<samlp:NameIDPolicy Format="$format"/>} ),
    ask( 'no NameIDPolicy, for the same person', '' ),
);
print map { "$_\n" } @seen;
my $outcome = join ' ', map { /(empty|a value)$/ && ( $1 eq 'empty' ? 'empty' : 'value' ) } @seen;
exit( $outcome eq 'empty value value value empty' && !grep( !/: persistent,/, @seen ) ? 0 : 1 );
PERL

libraries=$work/root/usr/lib/x86_64-linux-gnu
WORK=$work LLNG_DEFAULTCONFFILE=$work/portal.ini LLNG_DEFAULTLOGGER=Lemonldap::NG::Common::Logger::Std \
  LD_LIBRARY_PATH=$libraries PERL5LIB=$work/root/usr/share/perl5:$libraries/perl5/5.36 \
  /usr/bin/perl ask.pl
